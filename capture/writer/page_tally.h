// PageTally: pages by class and by what became of them. No heap.

#pragma once

#include <cstddef>

#include "common/dump_format/dump_format.h"
#include "common/units.h"

namespace warmdump {

struct PageTally {
  PageCount data[dump_format::kPageClassCount] = {};
  PageCount zero[dump_format::kPageClassCount] = {};
  PageCount unreadable[dump_format::kPageClassCount] = {};

  void add(const PageTally& other) {
    for (std::size_t i = 0; i < dump_format::kPageClassCount; ++i) {
      data[i] += other.data[i];
      zero[i] += other.zero[i];
      unreadable[i] += other.unreadable[i];
    }
  }

  // Takes pages out that add() put in; never below zero.
  void remove(const PageTally& other) {
    const auto take = [](PageCount& from, PageCount count) { from -= from < count ? from : count; };
    for (std::size_t i = 0; i < dump_format::kPageClassCount; ++i) {
      take(data[i], other.data[i]);
      take(zero[i], other.zero[i]);
      take(unreadable[i], other.unreadable[i]);
    }
  }
};

}  // namespace warmdump
