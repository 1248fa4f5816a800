#include "recover/dump/frame_scan.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include "common/dump_format/frame.h"

namespace warmdump {
namespace {

using dump_format::FrameHeader;
using dump_format::kFrameAlignment;
using dump_format::kFramesOffset;

// A window over the region that moves forward: every byte is read once, except while looking for frames
// inside of a damaged one.
class RegionWindow {
 public:
  RegionWindow(const Device& region, ByteCount end) : region_(region), end_(end) {}

  // `size` bytes at `offset`; fewer when the region ends before. Valid until the next call.
  Outcome<std::span<const std::byte>> at(ByteCount offset, ByteCount size) {
    if (offset >= end_) return std::span<const std::byte>();
    size = std::min(size, end_ - offset);
    if (offset < start_ || offset + size > start_ + bytes_.size()) {
      bytes_.resize(std::min(std::max(kWindow, size), end_ - offset));
      start_ = offset;
      TRY(fill());
    }
    return std::span<const std::byte>(bytes_).subspan(offset - start_, size);
  }

  ByteCount unreadable_bytes() const { return unreadable_bytes_; }

 private:
  static constexpr ByteCount kWindow = 4 * kMiB;
  static constexpr ByteCount kPiece = 4 * kKiB;

  // A spot of broken memory must not cost the rest of the dump.
  Outcome<void> fill() {
    auto read = region_.read_at(start_, bytes_);
    if (read) return {};
    bool any_read = false;
    for (ByteCount offset = 0; offset < bytes_.size(); offset += kPiece) {
      const auto piece = std::span(bytes_).subspan(offset, std::min(kPiece, bytes_.size() - offset));
      if (region_.read_at(start_ + offset, piece)) {
        any_read = true;
        continue;
      }
      std::fill(piece.begin(), piece.end(), std::byte{0});
      unreadable_bytes_ += piece.size();
    }
    if (!any_read) return Failure(read.error()).in("cannot read the region");
    return {};
  }

  const Device& region_;
  ByteCount end_;
  ByteCount start_ = 0;
  ByteCount unreadable_bytes_ = 0;
  std::vector<std::byte> bytes_;
};

struct FoundFrame {
  FrameLocation location;
  std::span<const std::byte> payload;
};

// Empty when no valid frame starts at `offset`.
Outcome<std::optional<FoundFrame>> frame_at(RegionWindow& window, ByteCount offset,
                                            std::optional<std::span<const unsigned char, 8>> dump_id) {
  using Found = std::optional<FoundFrame>;
  const auto head = TRY(window.at(offset, sizeof(FrameHeader)));
  if (head.size() < sizeof(FrameHeader)) return Found();
  std::uint32_t magic = 0;
  std::memcpy(&magic, head.data(), sizeof(magic));
  if (magic != dump_format::kFrameMagic) return Found();

  unsigned char own_id[8];
  std::memcpy(own_id, head.data() + offsetof(FrameHeader, dump_id), sizeof(own_id));
  const auto header =
      dump_format::decode_frame_header(head.first<sizeof(FrameHeader)>(), dump_id ? *dump_id : own_id);
  if (!header) return Found();
  const auto whole = TRY(window.at(offset, sizeof(FrameHeader) + header->stored_size));
  const auto payload = whole.subspan(std::min(sizeof(FrameHeader), whole.size()));
  if (!dump_format::check_payload(*header, payload)) return Found();
  return Found(FoundFrame{{offset, *header}, payload});
}

// Which sequence numbers were seen, as ranges: frames come in order but for damage and repairs.
class SequenceLedger {
 public:
  void saw(std::uint64_t sequence) {
    if (sequence == UINT64_MAX) return;  // no dump is that long
    if (!ranges_.empty() && sequence == ranges_.back().end) {
      ++ranges_.back().end;
    } else if (ranges_.size() < kRangesMax) {
      ranges_.push_back({sequence, sequence + 1});
    }
  }

  // Numbers below `frame_count` or below the highest one seen that never came.
  std::uint64_t missing(std::uint64_t frame_count) {
    std::sort(ranges_.begin(), ranges_.end(),
              [](const Range& left, const Range& right) { return left.first < right.first; });
    std::uint64_t next = 0;
    std::uint64_t missing = 0;
    for (const Range& range : ranges_) {
      if (range.first > next) missing += range.first - next;
      next = std::max(next, range.end);
    }
    return missing + (frame_count > next ? frame_count - next : 0);
  }

 private:
  struct Range {
    std::uint64_t first;
    std::uint64_t end;
  };
  static constexpr std::size_t kRangesMax = 1 << 20;  // an honest dump has one, plus one a damaged place

  std::vector<Range> ranges_;
};

void add_damage(ScanReport& report, ByteCount from, ByteCount to) {
  ++report.damaged_ranges;
  report.damaged_bytes += to - from;
  if (!report.first_damage) report.first_damage = from;
}

}  // namespace

Outcome<ScanReport> scan_frames(const Device& region, const ScanTarget& target, const FrameVisitor& visit) {
  RegionWindow window(region, target.scan_end);
  ScanReport report;
  SequenceLedger sequences;
  ByteCount last_frame_end = kFramesOffset;
  for (ByteCount offset = kFramesOffset; offset < target.scan_end && !report.end_frame_found;) {
    const auto found = TRY(frame_at(window, offset, target.dump_id));
    const bool is_foreign =
        found && target.seal != nullptr && !target.seal->matches(found->location.header, found->payload);
    if (is_foreign) ++report.foreign_frames;
    if (!found || is_foreign) {
      offset += kFrameAlignment;
      if (offset > std::max(last_frame_end, target.frames_end_hint) + target.look_ahead) break;
      continue;
    }
    if (offset > last_frame_end) add_damage(report, last_frame_end, offset);
    const ByteCount footprint = dump_format::frame_footprint(found->location.header.stored_size);
    ++report.frames;
    report.frame_bytes += footprint;
    sequences.saw(found->location.header.sequence);
    report.end_frame_found =
        found->location.header.type == static_cast<std::uint16_t>(dump_format::FrameType::end);
    TRY(visit(found->location, found->payload));
    offset += footprint;
    last_frame_end = offset;
  }
  if (!report.end_frame_found) {
    const ByteCount expected_end = std::min(target.frames_end_hint, target.scan_end);
    if (expected_end > last_frame_end) add_damage(report, last_frame_end, expected_end);
  }
  report.unreadable_bytes = window.unreadable_bytes();
  report.missing_frames = sequences.missing(target.frame_count_hint);
  return report;
}

Outcome<std::optional<FrameLocation>> find_first_frame(const Device& region, ByteCount window_size,
                                                       const FrameFilter& accepts) {
  const ByteCount end = region.size();
  RegionWindow window(region, end);
  for (ByteCount offset = kFramesOffset; offset < end && offset - kFramesOffset < window_size;
       offset += kFrameAlignment) {
    const auto found = TRY(frame_at(window, offset, std::nullopt));
    if (found && (!accepts || accepts(found->location.header, found->payload)))
      return std::optional(found->location);
  }
  return std::optional<FrameLocation>();
}

}  // namespace warmdump
