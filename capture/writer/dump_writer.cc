#include "capture/writer/dump_writer.h"

#include <cstring>

#include "common/dump_format/dump_header.h"
#include "common/dump_format/frame.h"

namespace warmdump {

using namespace dump_format;

Result<void> DumpWriter::begin(const RegionHeader& header) {
  header_ = header;
  header_.state = static_cast<std::uint32_t>(State::writing);
  header_.phase = static_cast<std::uint32_t>(Phase::start);
  header_.frames_end = kFramesOffset;
  std::memset(header_buffer_, 0, sizeof(header_buffer_));
  TRY(region_.write_at(kInfoBlockOffset, header_buffer_));
  TRY(region_.persist());
  return write_header(region_, header_, header_buffer_);
}

ByteCount DumpWriter::limit(FrameType type) const {
  return region_.size() - kTailReserve - (type == FrameType::end ? 0 : kEndReserve);
}

Result<bool> DumpWriter::append(FrameType type, std::span<const std::byte> payload) {
  if (is_full_ && type != FrameType::end) return false;
  if (buffered_ + frame_footprint(FrameEncoder::bound(payload.size())) > kBufferSize) {
    const bool is_header_due = buffer_start_ - header_written_at_ >= kHeaderInterval;
    TRY(is_header_due ? flush() : write_full_blocks());
  }

  const auto slot = std::span(buffer_).subspan(buffered_);
  const auto stored = slot.subspan(sizeof(FrameHeader));
  const auto encoded = encoder_.encode(payload, stored.first(FrameEncoder::bound(payload.size())));
  const ByteCount footprint = frame_footprint(encoded.size);
  if (buffer_start_ + buffered_ + footprint > limit(type)) {
    is_full_ = true;
    return false;
  }

  const FrameHeader frame =
      make_frame_header(type, encoded.codec, sequence_, std::span(header_.dump_id).first<8>(),
                        stored.first(encoded.size), static_cast<std::uint32_t>(payload.size()));
  std::memcpy(slot.data(), &frame, sizeof(frame));
  std::memset(stored.data() + encoded.size, 0, footprint - sizeof(frame) - encoded.size);
  buffered_ += footprint;
  ++sequence_;
  return true;
}

Result<void> DumpWriter::write_full_blocks() {
  const ByteCount whole = round_down(buffered_, kBlock);
  TRY(region_.write_at(buffer_start_, std::span(buffer_).first(whole)));
  TRY(region_.persist());
  std::memmove(buffer_, buffer_ + whole, buffered_ - whole);
  buffer_start_ += whole;
  buffered_ -= whole;
  return {};
}

Result<void> DumpWriter::flush() {
  TRY(write_full_blocks());
  if (buffered_ > 0) {
    // The last, partly filled block goes out padded; it is written again when it has grown.
    std::memset(buffer_ + buffered_, 0, kBlock - buffered_);
    TRY(region_.write_at(buffer_start_, std::span(buffer_).first(kBlock)));
    TRY(region_.persist());
  }
  header_.frames_end = buffer_start_ + buffered_;
  header_.frame_count = sequence_;
  header_.bytes_stored = header_.frames_end - kFramesOffset;
  header_written_at_ = buffer_start_;
  return write_header(region_, header_, header_buffer_);
}

}  // namespace warmdump
