#include "selftest/retention/retention_scan.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <numeric>

#include "common/dump_format/dump_format.h"
#include "recover/dump/aligned_buffer.h"
#include "selftest/retention/retention_pattern.h"

namespace warmdump {
namespace {

// Chance gives half of all bits; an eighth is far from that, and far more than memory that is going bad.
constexpr std::uint64_t kBitErrorsMax = kPageSize * 8 / 8;

Outcome<void> require_dump_region(const Device& region) {
  if (region.size() >= dump_format::kRegionSizeMin) return {};
  return Failure(ErrorCode::no_space, "the region is too small for a dump, and for a test of it");
}

std::uint64_t word_at(std::span<const std::byte> bytes, std::size_t offset) {
  std::uint64_t word;
  std::memcpy(&word, bytes.data() + offset, sizeof word);
  return word;
}

bool is_one_value(std::span<const std::byte> page) {
  return std::memcmp(page.data(), page.data() + 8, page.size() - 8) == 0;
}

struct PageJudgement {
  PageFate fate = PageFate::intact;
  std::uint64_t bit_errors = 0;
};

PageJudgement judge_page(std::span<const std::byte> page, std::span<const std::byte> wanted) {
  if (std::memcmp(page.data(), wanted.data(), page.size()) == 0) return {};
  if (is_one_value(page)) return {PageFate::cleared, 0};
  std::uint64_t bit_errors = 0;
  for (std::size_t at = 0; at < page.size(); at += 8) {
    bit_errors += static_cast<unsigned>(std::popcount(word_at(page, at) ^ word_at(wanted, at)));
  }
  if (bit_errors > kBitErrorsMax) return {PageFate::foreign, 0};
  return {PageFate::bit_errors, bit_errors};
}

class RetentionScan {
 public:
  RetentionScan(const Device& region, std::uint64_t seed)
      : region_(region), seed_(seed), found_(kRetentionUnit), wanted_(kRetentionUnit) {}

  void scan_unit(ByteCount start, ByteCount size) {
    RetentionRange unit{start, start + kRetentionUnit, PageFate::intact, 0, 0};
    make_retention_pattern(seed_, start, wanted_.bytes().first(size));
    const bool is_readable = region_.read_at(start, found_.bytes().first(size)).has_value();
    for (ByteCount at = 0; at < size; at += kPageSize) {
      if (is_retention_page(region_.size(), start + at))
        take_page(unit, start + at, judge(start, at, is_readable));
    }
    if (unit.fate != PageFate::intact) take_unit(unit);
  }

  RetentionFindings take_findings() { return std::move(findings_); }

 private:
  // Where a unit cannot be read as a whole, its pages are read one by one.
  PageJudgement judge(ByteCount start, ByteCount at, bool is_unit_readable) {
    const auto page = found_.bytes().subspan(at, kPageSize);
    if (!is_unit_readable && !region_.read_at(start + at, page)) return {PageFate::unreadable, 0};
    return judge_page(page, wanted_.bytes().subspan(at, kPageSize));
  }

  void take_page(RetentionRange& unit, ByteCount offset, PageJudgement judgement) {
    ++findings_.pages[static_cast<std::size_t>(judgement.fate)];
    if (judgement.fate == PageFate::intact) return;
    if (findings_.damage_end == 0) findings_.first_damage = offset;
    findings_.damage_end = offset + kPageSize;
    findings_.bit_errors += judgement.bit_errors;
    unit.fate = std::max(unit.fate, judgement.fate);
    unit.pages += 1;
    unit.bit_errors += judgement.bit_errors;
  }

  void take_unit(const RetentionRange& unit) {
    auto& ranges = findings_.ranges;
    const bool joins = last_end_ == unit.start && last_fate_ == unit.fate;
    last_end_ = unit.end;
    last_fate_ = unit.fate;
    if (joins && findings_.ranges_left_out > 0) return;
    if (joins) {
      ranges.back().end = unit.end;
      ranges.back().pages += unit.pages;
      ranges.back().bit_errors += unit.bit_errors;
    } else if (ranges.size() < kRetentionRangesMax) {
      ranges.push_back(unit);
    } else {
      ++findings_.ranges_left_out;
    }
  }

  const Device& region_;
  const std::uint64_t seed_;
  AlignedBuffer found_;
  AlignedBuffer wanted_;
  RetentionFindings findings_;
  ByteCount last_end_ = 0;
  PageFate last_fate_ = PageFate::intact;
};

}  // namespace

const char* page_fate_name(PageFate fate) {
  switch (fate) {
    case PageFate::intact:
      return "intact";
    case PageFate::bit_errors:
      return "bit errors";
    case PageFate::cleared:
      return "cleared";
    case PageFate::foreign:
      return "foreign content";
    case PageFate::unreadable:
      return "unreadable";
  }
  return "unknown";
}

const char* retention_verdict_name(RetentionVerdict verdict) {
  switch (verdict) {
    case RetentionVerdict::retained:
      return "retained";
    case RetentionVerdict::partly:
      return "partly";
    case RetentionVerdict::lost:
      return "lost";
  }
  return "unknown";
}

PageCount RetentionFindings::total() const {
  return std::accumulate(std::begin(pages), std::end(pages), PageCount{0});
}

RetentionVerdict RetentionFindings::verdict() const {
  if (count(PageFate::intact) == total()) return RetentionVerdict::retained;
  const bool is_something_left = count(PageFate::intact) + count(PageFate::bit_errors) > 0;
  return is_something_left ? RetentionVerdict::partly : RetentionVerdict::lost;
}

Outcome<void> write_retention_pattern(Device& region, std::uint64_t seed, const RetentionProgress& progress) {
  TRY(require_dump_region(region));
  AlignedBuffer buffer(kRetentionUnit);
  const ByteCount end = retention_pattern_end(region.size());
  for (ByteCount offset = 0; offset < end;) {
    ByteCount size = 0;
    while (size < kRetentionUnit && is_retention_page(region.size(), offset + size)) size += kPageSize;
    if (size == 0) {
      offset += kPageSize;
      continue;
    }
    const auto bytes = buffer.bytes().first(size);
    make_retention_pattern(seed, offset, bytes);
    TRY(in_context("cannot write the pattern", region.write_at(offset, bytes)));
    offset += size;
    if (progress) progress(offset, end);
  }
  return in_context("cannot write the pattern", region.persist());
}

Outcome<RetentionFindings> scan_retention_pattern(const Device& region, std::uint64_t seed,
                                                  const RetentionProgress& progress) {
  TRY(require_dump_region(region));
  const ByteCount end = retention_pattern_end(region.size());
  RetentionScan scan(region, seed);
  for (ByteCount start = 0; start < end; start += kRetentionUnit) {
    const ByteCount size = std::min(kRetentionUnit, end - start);
    scan.scan_unit(start, size);
    if (progress) progress(start + size, end);
  }
  return scan.take_findings();
}

}  // namespace warmdump
