// DumpWriter: puts frames on the region, in order, and keeps its header true. No heap.
//
// A frame is safe once flush() has returned: it then survives a warm reset, and nothing later changes it.

#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "capture/writer/frame_encoder.h"
#include "common/device.h"
#include "common/dump_format/dump_format.h"
#include "common/result.h"

namespace warmdump {

class DumpWriter {
 public:
  // Large: keep it in static storage. `region` must outlive it.
  explicit DumpWriter(Device& region) : region_(region) {}

  // The header that goes to the region; the owner of the capture fills in phase and counters.
  dump_format::RegionHeader& header() { return header_; }

  // Starts a dump: zeroes the info block area (the first write of all, so that the next boot sees a raw
  // disk), then writes `header` with state `writing`. Nothing was written when this fails before the first
  // write.
  Result<void> begin(const dump_format::RegionHeader& header);

  // Adds a frame. False when it does not fit: the region then takes no further frames but `end`, for which
  // room is kept.
  Result<bool> append(dump_format::FrameType type, std::span<const std::byte> payload);

  // Writes out what is buffered, makes it persistent, and writes the header.
  Result<void> flush();

  bool is_full() const { return is_full_; }
  std::uint64_t frame_count() const { return sequence_; }

 private:
  static constexpr ByteCount kBlock = 4096;       // O_DIRECT's unit
  static constexpr ByteCount kEndReserve = 4096;  // room for the end frame
  static constexpr ByteCount kBufferSize = 2 * kMiB + 256 * kKiB;
  // Frames between two headers: what a dying machine may lose of the counters, never of the frames.
  static constexpr ByteCount kHeaderInterval = 32 * kMiB;

  ByteCount limit(dump_format::FrameType type) const;
  Result<void> write_full_blocks();

  Device& region_;
  FrameEncoder encoder_;
  dump_format::RegionHeader header_{};
  std::uint64_t sequence_ = 0;
  ByteCount buffer_start_ = dump_format::kFramesOffset;  // region offset of buffer_[0], a multiple of kBlock
  ByteCount buffered_ = 0;                               // bytes in buffer_
  ByteCount header_written_at_ = 0;                      // buffer_start_ when the header was last written
  bool is_full_ = false;
  alignas(4096) std::byte buffer_[kBufferSize];
  alignas(4096) std::byte header_buffer_[dump_format::kHeaderSize];
};

}  // namespace warmdump
