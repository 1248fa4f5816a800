// FrameCheck: reads frames back and tells whether they are still what was written. No heap.

#pragma once

#include <cstddef>
#include <span>

#include "capture/writer/frame_index.h"
#include "common/device.h"
#include "common/dump_format/dump_format.h"

namespace warmdump {

class FrameCheck {
 public:
  // `window` is what the region is read into, a few frames at a time: aligned to 4096, and large enough for
  // the blocks around any frame. Both must outlive this object; the window may be used for other things
  // between two calls when forget() is called before the next.
  FrameCheck(const Device& region, std::span<const unsigned char, 8> dump_id, std::span<std::byte> window)
      : region_(region), dump_id_(dump_id), window_(window) {}

  // False as well when the region cannot be read there.
  bool is_whole(const IndexedFrame& frame);

  // Goes from one frame header to the next in [from, end), for frames that are in no index. Returns how often
  // no whole frame was found where one should be, and counts whole ones in `frames`.
  std::uint64_t count_damaged(ByteCount from, ByteCount end, std::uint64_t& frames);

  void forget() { window_size_ = 0; }

 private:
  // Read at once: several small frames. A larger frame is read alone.
  static constexpr ByteCount kReadSize = 256 * kKiB;

  // Empty when it cannot be read.
  std::span<const std::byte> bytes(ByteCount offset, ByteCount size);
  bool is_whole_at(ByteCount offset, ByteCount limit, dump_format::FrameHeader& header);

  const Device& region_;
  std::span<const unsigned char, 8> dump_id_;
  std::span<std::byte> window_;
  ByteCount window_start_ = 0;
  ByteCount window_size_ = 0;
};

}  // namespace warmdump
