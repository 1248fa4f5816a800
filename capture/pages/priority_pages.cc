#include "capture/pages/priority_pages.h"

#include <algorithm>

namespace warmdump {

bool PriorityPages::add(Pfn first, Pfn end, Phase phase, Rule rule) {
  while (first < end) {
    const Pfn piece_end = std::min(end, (chunk_of(first) + 1) * kChunkPfns);
    if (!add_piece(first, piece_end, phase, rule)) return false;
    first = piece_end;
  }
  return true;
}

bool PriorityPages::add_piece(Pfn first, Pfn end, Phase phase, Rule rule) {
  const auto number = static_cast<std::uint8_t>(phase);
  const auto length = static_cast<std::uint32_t>(end - first);
  if (count_ > 0) {
    Range& last = ranges_[count_ - 1];
    const bool continues = last.first + last.count == first && chunk_of(last.first) == chunk_of(first) &&
                           last.phase == number && last.rule == rule;
    if (continues) {
      last.count += length;
      return true;
    }
  }
  if (count_ == kRangesMax) return false;
  ranges_[count_++] = Range{first, length, number, rule};
  return true;
}

void PriorityPages::finish() {
  std::sort(ranges_, ranges_ + count_, [](const Range& a, const Range& b) { return a.first < b.first; });
}

std::span<const PriorityPages::Range> PriorityPages::in_chunk(std::uint64_t chunk) const {
  const auto is_before = [](const Range& range, Pfn pfn) { return range.first < pfn; };
  const Range* first = std::lower_bound(ranges_, ranges_ + count_, chunk * kChunkPfns, is_before);
  const Range* end = std::lower_bound(first, ranges_ + count_, (chunk + 1) * kChunkPfns, is_before);
  return {first, end};
}

bool PriorityPages::has(Phase phase, std::uint64_t chunk) const {
  const auto ranges = in_chunk(chunk);
  return std::any_of(ranges.begin(), ranges.end(),
                     [phase](const Range& range) { return range.phase == static_cast<std::uint8_t>(phase); });
}

}  // namespace warmdump
