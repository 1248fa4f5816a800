// RunIndex: where the bytes for a pfn are, as sorted runs that do not overlap. Its memory grows with the
// number of runs in the dump, not with the machine's RAM.

#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "common/dump_format/dump_format.h"
#include "common/units.h"

namespace warmdump {

struct IndexedRun {
  Pfn first_pfn;
  std::uint32_t pfn_count;
  std::uint32_t frame;              // number the owner of the index gave the frame
  std::uint32_t position;           // of the first pfn in the frame: n-th data page, or n-th class byte
  dump_format::RunContent content;  // what a pages frame says; data in an index of class maps

  Pfn pfn_end() const { return first_pfn + pfn_count; }
};

class RunIndex {
 public:
  // Runs beyond this number are refused, so that a hostile dump cannot take all memory.
  static constexpr std::size_t kRunsMax = std::size_t{1} << 25;

  // False, and nothing added, when the index is full.
  bool add(const IndexedRun& run);

  // Call once, after the last add: sorts, and where runs overlap keeps the one added last.
  void finish();

  // Drops whatever lies outside of `ranges` (sorted, not overlapping). Returns the number of pages dropped.
  PageCount clip(std::span<const PfnRange> ranges);

  // Sorted by pfn, not overlapping.
  std::span<const IndexedRun> runs() const { return runs_; }

  // The run that holds `pfn`, or nullptr.
  const IndexedRun* find(Pfn pfn) const;

 private:
  std::vector<IndexedRun> runs_;
};

// `run` cut to [first, end), which must lie inside of it and not be empty.
IndexedRun part_of(const IndexedRun& run, Pfn first, Pfn end);

}  // namespace warmdump
