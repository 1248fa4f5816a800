// RegionStream: bytes of any length onto a device that takes whole blocks, one behind the other. No heap.

#pragma once

#include <cstddef>
#include <span>

#include "common/device.h"
#include "common/result.h"
#include "common/units.h"

namespace warmdump {

class RegionStream {
 public:
  // Begins at `start`, a multiple of 4096. `region` must outlive this object. Large: keep it in static
  // storage.
  RegionStream(Device& region, ByteCount start) : region_(region), start_(start) {}

  // Region offset behind the last byte taken.
  ByteCount position() const { return start_ + size_; }

  // Takes bytes. After an error it is not known which of them reached the region.
  Result<void> append(std::span<const std::byte> bytes);
  Result<void> append_zeros(ByteCount count);

  // Returns once everything taken is on the region and persistent. The last block goes out padded with zeros
  // and is written again when it has grown.
  Result<void> flush();

  // Replaces bytes that were appended before; what lies around them in their blocks is read and written back.
  // `scratch` must hold those blocks and be aligned to 4096.
  Result<void> rewrite(ByteCount offset, std::span<const std::byte> bytes, std::span<std::byte> scratch);

 private:
  static constexpr ByteCount kBlock = 4096;  // O_DIRECT's unit
  static constexpr ByteCount kCapacity = 256 * kKiB;

  Result<void> write_full_blocks();

  Device& region_;
  ByteCount start_;     // region offset of buffer_[0], a multiple of kBlock
  ByteCount size_ = 0;  // bytes in buffer_
  alignas(4096) std::byte buffer_[kCapacity];
};

}  // namespace warmdump
