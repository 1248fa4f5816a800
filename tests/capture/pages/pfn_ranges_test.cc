#include "capture/pages/pfn_ranges.h"

#include <gmock/gmock.h>

#include <memory>
#include <utility>
#include <vector>

namespace warmdump {
namespace {

using testing::ElementsAre;
using testing::Pair;

std::vector<std::pair<Pfn, Pfn>> all(const PfnRanges& ranges) {
  std::vector<std::pair<Pfn, Pfn>> found;
  ranges.for_each_in(0, 1000, [&](Pfn first, Pfn end) { found.emplace_back(first, end); });
  return found;
}

TEST(PfnRanges, SortsAndJoinsWhatTouches) {
  const auto ranges = std::make_unique<PfnRanges>();
  for (const auto& [first, end] : {std::pair{50, 60}, {10, 20}, {30, 40}, {20, 25}}) {
    ASSERT_TRUE(ranges->add(static_cast<Pfn>(first), static_cast<Pfn>(end)));
  }
  EXPECT_THAT(all(*ranges), ElementsAre(Pair(10, 25), Pair(30, 40), Pair(50, 60)));
  ASSERT_TRUE(ranges->add(15, 55));
  EXPECT_THAT(all(*ranges), ElementsAre(Pair(10, 60)));
}

TEST(PfnRanges, IgnoresEmptyRanges) {
  const auto ranges = std::make_unique<PfnRanges>();
  EXPECT_TRUE(ranges->add(5, 5));
  EXPECT_EQ(ranges->count(), 0U);
}

TEST(PfnRanges, CutsToTheWindowAsked) {
  const auto ranges = std::make_unique<PfnRanges>();
  ASSERT_TRUE(ranges->add(10, 20));
  std::vector<std::pair<Pfn, Pfn>> found;
  ranges->for_each_in(15, 18, [&](Pfn first, Pfn end) { found.emplace_back(first, end); });
  EXPECT_THAT(found, ElementsAre(Pair(15, 18)));
}

TEST(PfnRanges, EndIsExclusive) {
  const auto ranges = std::make_unique<PfnRanges>();
  ASSERT_TRUE(ranges->add(10, 20));
  EXPECT_TRUE(ranges->contains(10));
  EXPECT_TRUE(ranges->contains(19));
  EXPECT_FALSE(ranges->contains(20));
  EXPECT_FALSE(ranges->overlaps(20, 30));
}

TEST(PfnRanges, SaysWhenItIsFull) {
  const auto ranges = std::make_unique<PfnRanges>();
  for (Pfn i = 0; i < PfnRanges::kCountMax; ++i) ASSERT_TRUE(ranges->add(10 * i, 10 * i + 1));
  EXPECT_FALSE(ranges->add(5, 6));
  EXPECT_TRUE(ranges->add(1, 2)) << "a range that joins another needs no room";
}

}  // namespace
}  // namespace warmdump
