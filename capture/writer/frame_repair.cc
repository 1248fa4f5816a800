#include "capture/writer/frame_repair.h"

#include <algorithm>
#include <cstring>

#include "capture/support/raw_log.h"
#include "capture/writer/frame_check.h"
#include "common/dump_format/dump_header.h"
#include "common/text.h"

namespace warmdump {
namespace {

using namespace dump_format;

// A device that writes for longer than this many passes is one nobody can repair after.
constexpr std::uint32_t kPassesMax = 32;

// Frames at the end of a dump that may share a block of 4 KiB, give or take.
constexpr std::uint64_t kEndFrames = 8;

class Repair {
 public:
  Repair(DumpWriter& writer, FrameSource& source, FrameSlot& scratch)
      : writer_(writer),
        source_(source),
        scratch_(scratch),
        check_(writer.region(), std::span(writer.header().dump_id).first<8>(), scratch.stored) {}

  Result<void> run();
  Result<void> settle();

 private:
  struct Found {
    std::uint64_t repairable = 0;
    std::uint64_t hopeless = 0;  // given up before, or in no index
  };

  // Checks the indexed frames from `first` on, and those in no index.
  Found check(std::uint64_t first);
  Result<std::uint64_t> replace_damaged();
  bool is_header_as_written();
  Result<bool> has_clean_info_block();

  DumpWriter& writer_;
  FrameSource& source_;
  FrameSlot& scratch_;
  FrameCheck check_;
  std::uint64_t walk_start_ = 0;  // frames behind this offset are in no index; 0 when all are
};

Repair::Found Repair::check(std::uint64_t first) {
  Found found;
  check_.forget();
  FrameIndex& index = writer_.index();
  for (std::uint64_t i = first; i < index.count(); ++i) {
    IndexedFrame& frame = index[i];
    frame.is_damaged = !check_.is_whole(frame);
    if (frame.is_damaged) ++(frame.is_given_up ? found.hopeless : found.repairable);
    if (!source_.may_go_on()) return found;
  }
  if (walk_start_ != 0) {
    std::uint64_t frames = 0;
    found.hopeless += check_.count_damaged(walk_start_, writer_.frames_end(), frames);
  }
  return found;
}

Result<std::uint64_t> Repair::replace_damaged() {
  FrameIndex& index = writer_.index();
  std::uint64_t replaced = 0;
  const std::uint64_t count = index.count();
  for (std::uint64_t i = 0; i < count; ++i) {
    if (!index[i].is_damaged || index[i].is_given_up) continue;
    if (!source_.may_go_on()) return replaced;
    const FrameOrigin origin = index[i].origin;
    writer_.begin_replacement(i);
    auto made = source_.make_again(origin);
    const bool is_replaced = TRY(writer_.end_replacement());
    if (!made.has_value()) return made.error();
    if (is_replaced) {
      ++replaced;
    } else {
      index[i].is_given_up = true;
    }
  }
  return replaced;
}

Result<void> Repair::run() {
  RegionHeader& header = writer_.header();
  if (FrameIndex& index = writer_.index(); writer_.frame_count() > index.count() && index.count() > 0) {
    const IndexedFrame& last = index[index.count() - 1];
    walk_start_ = last.offset + round_up(sizeof(FrameHeader) + last.stored_size, kFrameAlignment);
  }
  for (std::uint32_t pass = 0; pass < kPassesMax; ++pass) {
    const Found found = check(0);
    header.check_passes = header.check_passes + 1;
    header.frames_damaged = header.frames_damaged + found.repairable + (pass == 0 ? found.hopeless : 0);
    header.frames_unrepaired = found.repairable + found.hopeless;
    if (found.repairable == 0 || pass + 1 == kPassesMax || !source_.may_go_on()) break;
    const std::uint64_t replaced = TRY(replace_damaged());
    header.frames_rewritten = header.frames_rewritten + replaced;
    TRY(writer_.flush());
  }
  if (header.frames_damaged != 0) {
    Text<160> line;
    line << std::uint64_t{header.frames_damaged} << " frames were damaged after they were written, "
         << std::uint64_t{header.frames_rewritten} << " written again, "
         << std::uint64_t{header.frames_unrepaired} << " left damaged";
    log_line(line.view());
  }
  return {};
}

bool Repair::is_header_as_written() {
  const auto header = std::as_bytes(std::span(&writer_.header(), 1));
  const auto copy = std::span(scratch_.stored).first(kHeaderSize);
  for (const ByteCount offset : {kHeaderOffset, kHeaderCopyOffset}) {
    if (!writer_.region().read_at(offset, copy).has_value() || !std::ranges::equal(copy, header))
      return false;
  }
  return true;
}

Result<bool> Repair::has_clean_info_block() {
  const auto block = std::span(scratch_.stored).first(kHeaderOffset - kInfoBlockOffset);
  const auto is_zero = [](std::byte byte) { return byte == std::byte{0}; };
  if (writer_.region().read_at(kInfoBlockOffset, block).has_value() && std::ranges::all_of(block, is_zero))
    return true;
  std::ranges::fill(block, std::byte{0});
  TRY(writer_.region().write_at(kInfoBlockOffset, block));
  TRY(writer_.region().persist());
  return false;
}

Result<void> Repair::settle() {
  RegionHeader& header = writer_.header();
  const std::uint64_t count = writer_.index().count();
  for (std::uint32_t pass = 0; pass < kPassesMax; ++pass) {
    bool is_clean = writer_.write_header_only().has_value();
    is_clean = TRY(has_clean_info_block()) && is_clean;
    // The end frame and what shares its blocks; where a device was seen writing, everything once more.
    const std::uint64_t first = header.frames_damaged != 0 || count < kEndFrames ? 0 : count - kEndFrames;
    if (const Found found = check(first); found.repairable != 0) {
      is_clean = false;
      header.frames_damaged = header.frames_damaged + found.repairable;
      header.frames_rewritten = header.frames_rewritten + TRY(replace_damaged());
    }
    if (!is_header_as_written()) {
      is_clean = false;
      header.headers_rewritten = header.headers_rewritten + 1;
    }
    if (is_clean) return {};
  }
  log_line("something keeps writing over the end of the dump; the headers are perhaps lost");
  return writer_.write_header_only();
}

}  // namespace

Result<void> repair_frames(DumpWriter& writer, FrameSource& source) {
  FrameSlot& scratch = *TRY(writer.acquire());
  auto done = Repair(writer, source, scratch).run();
  writer.release(scratch);
  return done;
}

Result<void> write_checked_header(DumpWriter& writer, FrameSource& source) {
  FrameSlot& scratch = *TRY(writer.acquire());
  auto done = Repair(writer, source, scratch).settle();
  writer.release(scratch);
  return done;
}

}  // namespace warmdump
