#include "capture/writer/dump_writer.h"

#include <cstring>

#include "capture/support/raw_log.h"
#include "common/dump_format/dump_header.h"
#include "common/dump_format/frame.h"

namespace warmdump {

using namespace dump_format;

namespace {

// What the encryption is opened with cannot be encrypted itself.
bool is_key_blob(const FrameOrigin& origin) {
  return origin.type == FrameType::blob && origin.detail == static_cast<std::uint16_t>(BlobKind::wrapped_key);
}

}  // namespace

Result<void> DumpWriter::begin(const RegionHeader& header, const BootSecret& secret,
                               const DumpEncryption& encryption) {
  header_ = header;
  seal_ = secret.seal_of(header_.dump_id);
  cipher_ = encryption.cipher_of(header_.dump_id);
  describe_encryption(encryption, header_);
  header_.state = static_cast<std::uint32_t>(State::writing);
  header_.phase = static_cast<std::uint32_t>(Phase::start);
  header_.frames_end = kFramesOffset;
  std::memset(header_buffer_, 0, sizeof(header_buffer_));
  TRY(region_.write_at(kInfoBlockOffset, header_buffer_));
  TRY(region_.persist());
  return write_header_only();
}

void DumpWriter::start_helpers(unsigned threads) {
  compressor_.start(threads != 0 ? threads : FrameCompressor::useful_threads());
}

void DumpWriter::end_helpers() {
  while (FrameSlot* slot = compressor_.wait_for_oldest()) compressor_.release(*slot);
  compressor_.stop();
}

ByteCount DumpWriter::limit(FrameType type) const {
  return region_.size() - kTailReserve - (type == FrameType::end ? 0 : kEndReserve);
}

Result<FrameSlot*> DumpWriter::acquire() {
  for (;;) {
    TRY(store_done_frames());
    if (FrameSlot* slot = compressor_.take_free(); slot != nullptr) return slot;
    FrameSlot* oldest = compressor_.wait_for_oldest();
    if (oldest == nullptr)
      return Error::make(ErrorCode::invalid, "more frames under construction than slots");
    TRY(store(*oldest));
  }
}

Result<void> DumpWriter::submit(FrameSlot& slot) {
  compressor_.submit(slot);
  return store_done_frames();
}

Result<bool> DumpWriter::append(const FrameOrigin& origin, std::span<const std::byte> payload) {
  FrameSlot& slot = *TRY(acquire());
  std::memcpy(slot.raw, payload.data(), payload.size());
  slot.origin = origin;
  slot.payload = std::span(slot.raw).first(payload.size());
  TRY(submit(slot));
  return !is_full_ || has_end_;
}

Result<void> DumpWriter::store_done_frames() {
  while (FrameSlot* done = compressor_.take_oldest_done()) TRY(store(*done));
  return {};
}

Result<void> DumpWriter::store(FrameSlot& slot) {
  auto stored = replaced_ == kNoFrame ? add_frame(slot) : replace_frame(slot);
  compressor_.release(slot);
  if (!stored.has_value()) has_failed_ = true;
  return stored;
}

std::span<const std::byte> DumpWriter::seal(FrameSlot& slot, std::uint64_t sequence, IndexedFrame& entry) {
  const auto payload = slot.stored_payload().first(slot.stored_size);
  const bool is_encrypted = cipher_.is_set() && !is_key_blob(slot.origin);
  if (is_encrypted) cipher_.apply(++cipher_number_, payload);
  const FrameHeader frame = make_frame_header(
      slot.origin.type, slot.codec, sequence, std::span(header_.dump_id).first<8>(), payload,
      static_cast<std::uint32_t>(slot.payload.size()), seal_, is_encrypted ? cipher_number_ : 0);
  const ByteCount footprint = frame_footprint(slot.stored_size);
  std::memcpy(slot.stored, &frame, sizeof(frame));
  std::memset(payload.data() + payload.size(), 0, footprint - sizeof(frame) - payload.size());
  entry.origin = slot.origin;
  entry.stored_size = frame.stored_size;
  entry.header_crc = frame.header_crc;
  entry.is_damaged = false;
  return std::span(slot.stored).first(footprint);
}

Result<void> DumpWriter::append_bytes(std::span<const std::byte> frame) {
  TRY(stream_.append(frame));
  frames_end_ = stream_.position();
  return {};
}

Result<void> DumpWriter::add_frame(FrameSlot& slot) {
  const FrameType type = slot.origin.type;
  if (has_failed_ || (is_full_ && type != FrameType::end)) return {};
  if (frames_end_ + frame_footprint(slot.stored_size) > limit(type)) {
    is_full_ = true;
    return {};
  }
  IndexedFrame entry;
  entry.offset = frames_end_;
  TRY(append_bytes(seal(slot, sequence_, entry)));
  index_.add(entry);
  ++sequence_;
  has_end_ = type == FrameType::end;
  stored_pages_.add(slot.pages);
  if (frames_end_ - header_written_at_ >= kHeaderInterval) return flush_stored();
  return {};
}

void DumpWriter::begin_replacement(std::uint64_t number) {
  replaced_ = number;
  replacements_ = 0;
  replacement_failed_ = false;
}

Result<bool> DumpWriter::end_replacement() {
  while (FrameSlot* slot = compressor_.wait_for_oldest()) TRY(store(*slot));
  replaced_ = kNoFrame;
  return replacements_ > 0 && !replacement_failed_;
}

Result<void> DumpWriter::replace_frame(FrameSlot& slot) {
  const IndexedFrame damaged = index_[replaced_];
  const bool is_first = replacements_ == 0;
  const ByteCount footprint = frame_footprint(slot.stored_size);
  // Behind an end frame nobody looks for frames.
  const bool fits_behind = !has_end_ && frames_end_ + footprint <= limit(slot.origin.type);
  const bool fits_in_place = is_first && footprint <= frame_footprint(damaged.stored_size);
  if (has_failed_ || !(fits_behind || fits_in_place)) {
    replacement_failed_ = true;
    stored_pages_.remove(slot.pages);
    return {};
  }
  IndexedFrame entry;
  const auto frame = seal(slot, is_first ? replaced_ : sequence_, entry);
  entry.offset = fits_behind ? frames_end_ : damaged.offset;
  entry.origin.detail = damaged.origin.detail;  // the phase of today is that of the repair
  if (fits_behind) {
    TRY(append_bytes(frame));
  } else {
    TRY(stream_.rewrite(entry.offset, frame, slot.raw));
  }
  ++replacements_;
  if (is_first) {
    index_[replaced_] = entry;
  } else {
    index_.add(entry);
    ++sequence_;
  }
  return {};
}

Result<void> DumpWriter::flush_stored() {
  TRY(stream_.flush());
  header_.frames_end = frames_end_;
  header_.frame_count = sequence_;
  header_.bytes_stored = frames_end_ - kFramesOffset;
  header_written_at_ = frames_end_;
  // The frames can be read without it, so it is no reason to take no more of them.
  if (const auto written = write_header_only(); !written.has_value())
    log_error("region header, going on", written.error());
  return {};
}

Result<void> DumpWriter::flush() {
  while (FrameSlot* slot = compressor_.wait_for_oldest()) TRY(store(*slot));
  return flush_stored();
}

Result<void> DumpWriter::write_header_only() {
  return write_header(region_, header_, header_buffer_, seal_);
}

}  // namespace warmdump
