// PriorityPages: pages that are stored in a phase of their own, before the bulk. No heap.

#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "capture/pages/chunk.h"
#include "common/dump_format/dump_format.h"
#include "common/units.h"

namespace warmdump {

class PriorityPages {
 public:
  using Phase = dump_format::Phase;

  // Scattered pages take one each. Enough for the tables and stacks of thousands of CPUs.
  static constexpr std::size_t kRangesMax = 16384;

  // `always`: the dump has the page whatever its struct page says; otherwise only its place in the order
  // changes, and a page the dump level leaves out stays out.
  enum class Rule : std::uint8_t { kept_by_class, always };

  // Puts [first, end) into `phase`. Of several phases given for a page the one with the smallest number
  // counts, and `always` wins. False when there is no room: the pages then go with the bulk.
  bool add(Pfn first, Pfn end, Phase phase, Rule rule);

  // Call once, after the last add() and before everything below.
  void finish();

  // Ranges of one chunk, sorted by first pfn; they may overlap.
  struct Range {
    Pfn first;
    std::uint32_t count;
    std::uint8_t phase;
    Rule rule;
  };
  std::span<const Range> in_chunk(std::uint64_t chunk) const;

  // True when a page of the chunk may belong to `phase`.
  bool has(Phase phase, std::uint64_t chunk) const;

  std::size_t count() const { return count_; }

 private:
  bool add_piece(Pfn first, Pfn end, Phase phase, Rule rule);

  std::size_t count_ = 0;
  Range ranges_[kRangesMax];  // left uninitialised: memory that is not needed is not touched
};

}  // namespace warmdump
