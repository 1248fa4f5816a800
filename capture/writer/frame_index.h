// FrameIndex: where the frames of this dump lie, what they must look like, and how to make them again.
// No heap: room for the frames of 64 GiB of stored memory, and pages of it are only touched as frames come.

#pragma once

#include <cstddef>
#include <cstdint>
#include <new>

#include "capture/writer/frame_slot.h"
#include "common/units.h"

namespace warmdump {

struct IndexedFrame {
  FrameOrigin origin;
  ByteCount offset = 0;           // on the region
  std::uint32_t stored_size = 0;  // payload
  std::uint32_t header_crc = 0;   // covers the payload too: the header holds its checksum
  bool is_damaged = false;        // as the last check found it
  bool is_given_up = false;       // could not be made again
};

class FrameIndex {
 public:
  static constexpr std::uint64_t kCountMax = 65536;

  // Frames come in the order of their sequence: entry n is frame n. Those beyond kCountMax are not kept.
  void add(const IndexedFrame& frame) {
    if (count_ < kCountMax) new (&bytes_[count_++ * sizeof(frame)]) IndexedFrame(frame);
  }

  std::uint64_t count() const { return count_; }
  // `number` < count().
  IndexedFrame& operator[](std::uint64_t number) {
    return *std::launder(reinterpret_cast<IndexedFrame*>(&bytes_[number * sizeof(IndexedFrame)]));
  }

 private:
  std::uint64_t count_ = 0;
  alignas(IndexedFrame) std::byte bytes_[kCountMax * sizeof(IndexedFrame)];  // never touched beyond count_
};

}  // namespace warmdump
