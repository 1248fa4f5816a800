#include "capture/writer/frame_check.h"

#include <algorithm>

#include "common/dump_format/frame.h"

namespace warmdump {

using namespace dump_format;

namespace {
constexpr ByteCount kBlock = 4096;
}

std::span<const std::byte> FrameCheck::bytes(ByteCount offset, ByteCount size) {
  if (offset < window_start_ || offset + size > window_start_ + window_size_) {
    window_start_ = round_down(offset, kBlock);
    const ByteCount needed = round_up(offset + size, kBlock) - window_start_;
    window_size_ = std::min(std::max(needed, kReadSize), region_.size() - window_start_);
    if (needed > window_.size() || !region_.read_at(window_start_, window_.first(window_size_)).has_value()) {
      // Perhaps only what was read ahead is broken.
      window_size_ = std::min(needed, window_.size());
      if (window_size_ < needed || !region_.read_at(window_start_, window_.first(needed)).has_value()) {
        window_size_ = 0;
        return {};
      }
    }
  }
  return window_.subspan(offset - window_start_, size);
}

bool FrameCheck::is_whole_at(ByteCount offset, ByteCount limit, FrameHeader& header) {
  const auto head = bytes(offset, sizeof(FrameHeader));
  if (head.empty()) return false;
  const auto decoded = decode_frame_header(head.first<sizeof(FrameHeader)>(), dump_id_);
  if (!decoded.has_value() || offset + frame_footprint(decoded->stored_size) > limit) return false;
  header = *decoded;
  const auto whole = bytes(offset, sizeof(FrameHeader) + header.stored_size);
  return !whole.empty() && check_payload(header, whole.subspan(sizeof(FrameHeader))).has_value();
}

bool FrameCheck::is_whole(const IndexedFrame& frame) {
  FrameHeader header;
  const ByteCount end = frame.offset + frame_footprint(frame.stored_size);
  return is_whole_at(frame.offset, end, header) && header.header_crc == frame.header_crc;
}

std::uint64_t FrameCheck::count_damaged(ByteCount from, ByteCount end, std::uint64_t& frames) {
  std::uint64_t damaged = 0;
  bool is_lost = false;  // inside of a damaged frame, looking for the next
  for (ByteCount offset = from; offset + sizeof(FrameHeader) <= end;) {
    FrameHeader header;
    if (is_whole_at(offset, end, header)) {
      ++frames;
      is_lost = false;
      offset += frame_footprint(header.stored_size);
      continue;
    }
    if (!is_lost) ++damaged;
    is_lost = true;
    offset += kFrameAlignment;
  }
  return damaged;
}

}  // namespace warmdump
