#include "capture/pages/priority_pages.h"

#include <gtest/gtest.h>

#include <memory>

namespace warmdump {
namespace {

using dump_format::Phase;
using Rule = PriorityPages::Rule;

TEST(PriorityPages, AreFoundByChunk) {
  const auto pages = std::make_unique<PriorityPages>();
  EXPECT_TRUE(pages->add(3 * kChunkPfns + 5, 3 * kChunkPfns + 6, Phase::stacks, Rule::kept_by_class));
  EXPECT_TRUE(pages->add(kChunkPfns - 1, kChunkPfns + 2, Phase::kernel_tables, Rule::always));
  pages->finish();
  ASSERT_EQ(pages->in_chunk(0).size(), 1U);
  EXPECT_EQ(pages->in_chunk(0)[0].first, kChunkPfns - 1);
  EXPECT_EQ(pages->in_chunk(0)[0].count, 1U);
  ASSERT_EQ(pages->in_chunk(1).size(), 1U);
  EXPECT_EQ(pages->in_chunk(1)[0].first, kChunkPfns);
  EXPECT_EQ(pages->in_chunk(1)[0].count, 2U);
  EXPECT_TRUE(pages->in_chunk(2).empty());
  EXPECT_TRUE(pages->has(Phase::stacks, 3));
  EXPECT_FALSE(pages->has(Phase::kernel_tables, 3));
  EXPECT_FALSE(pages->has(Phase::stacks, 4));
}

TEST(PriorityPages, NeighboursOfOneKindShareARange) {
  const auto pages = std::make_unique<PriorityPages>();
  for (Pfn pfn = 0; pfn < 100'000; ++pfn) ASSERT_TRUE(pages->add(pfn, pfn + 1, Phase::modules, Rule::always));
  EXPECT_EQ(pages->count(), 100'000 / kChunkPfns + 1);
  ASSERT_TRUE(pages->add(100'000, 100'001, Phase::vmalloc, Rule::always));
  ASSERT_TRUE(pages->add(100'001, 100'002, Phase::vmalloc, Rule::kept_by_class));
  EXPECT_EQ(pages->count(), 100'000 / kChunkPfns + 3);
}

TEST(PriorityPages, SaysWhenItIsFull) {
  const auto pages = std::make_unique<PriorityPages>();
  for (std::size_t i = 0; i < PriorityPages::kRangesMax; ++i) {
    ASSERT_TRUE(pages->add(2 * i, 2 * i + 1, Phase::vmalloc, Rule::kept_by_class));
  }
  EXPECT_FALSE(pages->add(~Pfn{0} - 1, ~Pfn{0}, Phase::vmalloc, Rule::kept_by_class));
  pages->finish();
  EXPECT_EQ(pages->in_chunk(0).size(), kChunkPfns / 2);
}

}  // namespace
}  // namespace warmdump
