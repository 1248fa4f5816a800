// AlignedBuffer: memory fit for O_DIRECT.

#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "common/units.h"

namespace warmdump {

inline constexpr ByteCount kDirectAlignment = 4 * kKiB;

class AlignedBuffer {
 public:
  // `size` bytes, all zero, at an address that is a multiple of kDirectAlignment.
  explicit AlignedBuffer(ByteCount size) : storage_(size + kDirectAlignment) {
    const auto address = reinterpret_cast<std::uintptr_t>(storage_.data());
    bytes_ = std::span(storage_).subspan(round_up(address, kDirectAlignment) - address, size);
  }
  AlignedBuffer(const AlignedBuffer&) = delete;
  AlignedBuffer& operator=(const AlignedBuffer&) = delete;

  std::span<std::byte> bytes() { return bytes_; }

 private:
  std::vector<std::byte> storage_;
  std::span<std::byte> bytes_;
};

}  // namespace warmdump
