// Writes the pattern of a retention test, and tells what a reset left of it, in units of 2 MiB.

#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "common/device.h"
#include "common/hosted/failure.h"
#include "common/units.h"

namespace warmdump {

inline constexpr ByteCount kRetentionUnit = 2 * kMiB;  // from the start of the region on
inline constexpr std::size_t kRetentionRangesMax = 64;

// What became of a page, from harmless to worse; the worst one of its pages is a unit's.
enum class PageFate {
  intact,
  bit_errors,  // the pattern, with at most an eighth of its bits changed
  cleared,     // one value all over, zeros or any other: somebody, or a memory test, overwrote it
  foreign,     // something else
  unreadable,  // the memory reports an error
};
inline constexpr std::size_t kPageFateCount = 5;
const char* page_fate_name(PageFate fate);

// Neighbouring units of the same fate.
struct RetentionRange {
  ByteCount start = 0;  // offset in the region, a multiple of kRetentionUnit
  ByteCount end = 0;    // excluded
  PageFate fate = PageFate::intact;
  PageCount pages = 0;  // that are not intact
  std::uint64_t bit_errors = 0;
};

enum class RetentionVerdict {
  retained,  // every bit
  partly,    // some pages
  lost,      // not one page
};
const char* retention_verdict_name(RetentionVerdict verdict);

struct RetentionFindings {
  PageCount pages[kPageFateCount] = {};  // of the pattern, by PageFate
  std::uint64_t bit_errors = 0;          // in pages of that fate
  ByteCount first_damage = 0;            // offset of the first page that is not intact
  ByteCount damage_end = 0;              // behind the last one; 0: none
  std::vector<RetentionRange> ranges;    // without the intact ones, the first kRetentionRangesMax
  std::uint64_t ranges_left_out = 0;

  PageCount count(PageFate fate) const { return pages[static_cast<std::size_t>(fate)]; }
  PageCount total() const;
  RetentionVerdict verdict() const;
};

using RetentionProgress = std::function<void(ByteCount done, ByteCount total)>;

// Fills the region with the pattern, flushes. Errors: no_space (no dump region); io.
Outcome<void> write_retention_pattern(Device& region, std::uint64_t seed, const RetentionProgress& progress);

// Reads all of it. Errors: no_space; memory that cannot be read is a finding, not an error.
Outcome<RetentionFindings> scan_retention_pattern(const Device& region, std::uint64_t seed,
                                                  const RetentionProgress& progress);

}  // namespace warmdump
