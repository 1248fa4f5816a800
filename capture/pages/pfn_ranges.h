// PfnRanges: a small sorted set of pfn ranges. No heap.

#pragma once

#include <algorithm>
#include <cstddef>

#include "common/units.h"

namespace warmdump {

class PfnRanges {
 public:
  static constexpr std::size_t kCountMax = 8192;

  // Adds [first, end), merged with what it touches. False when there is no room for a further range: the set
  // then lacks those pfns.
  bool add(Pfn first, Pfn end) {
    if (first >= end) return true;
    PfnRange* begin_touch = std::lower_bound(ranges_, ranges_ + count_, first,
                                             [](const PfnRange& range, Pfn pfn) { return range.end < pfn; });
    PfnRange* end_touch = begin_touch;
    while (end_touch != ranges_ + count_ && end_touch->first <= end) {
      first = std::min(first, end_touch->first);
      end = std::max(end, end_touch->end);
      ++end_touch;
    }
    if (begin_touch == end_touch) {
      if (count_ == kCountMax) return false;
      std::copy_backward(begin_touch, ranges_ + count_, ranges_ + count_ + 1);
      ++count_;
    } else {
      std::copy(end_touch, ranges_ + count_, begin_touch + 1);
      count_ -= static_cast<std::size_t>(end_touch - begin_touch - 1);
    }
    *begin_touch = {first, end};
    return true;
  }

  bool contains(Pfn pfn) const { return overlaps(pfn, pfn + 1); }

  bool overlaps(Pfn first, Pfn end) const {
    const PfnRange* found = first_ending_after(first);
    return found != ranges_ + count_ && found->first < end;
  }

  // Calls visit(first, end) for every part of the set inside [first, end), in order.
  template <class Visit>
  void for_each_in(Pfn first, Pfn end, Visit visit) const {
    for (const PfnRange* range = first_ending_after(first); range != ranges_ + count_ && range->first < end;
         ++range) {
      visit(std::max(first, range->first), std::min(end, range->end));
    }
  }

  std::size_t count() const { return count_; }

 private:
  const PfnRange* first_ending_after(Pfn pfn) const {
    return std::upper_bound(ranges_, ranges_ + count_, pfn,
                            [](Pfn value, const PfnRange& range) { return value < range.end; });
  }

  PfnRange ranges_[kCountMax];
  std::size_t count_ = 0;
};

}  // namespace warmdump
