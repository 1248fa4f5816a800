#include "capture/pages/capture_plan.h"

#include <gtest/gtest.h>

namespace warmdump {
namespace {

using dump_format::PageClass;
using dump_format::Phase;

const BulkGroup* const kGroups[] = {&kKernelPages, &kStructPages, &kUserPages};

PageCount& left(SpaceEstimate& estimate, PageClass page_class) {
  return estimate.pages_left[static_cast<std::size_t>(page_class)];
}

TEST(CapturePlan, EveryClassIsStoredByOneGroupAndByOnePartOfIt) {
  for (std::size_t i = 0; i < dump_format::kPageClassCount; ++i) {
    const auto page_class = static_cast<PageClass>(i);
    int groups = 0;
    for (const BulkGroup* group : kGroups) {
      int parts = 0;
      for (const Phase phase : group->by_class) parts += stores_class(phase, page_class) ? 1 : 0;
      const bool whole = stores_class(group->whole, page_class);
      groups += whole ? 1 : 0;
      // Struct pages are one class in two parts: of kept pages, and of others.
      EXPECT_EQ(parts, !whole ? 0 : page_class == PageClass::struct_page ? 2 : 1) << i;
    }
    const bool is_never_stored = page_class == PageClass::absent || page_class == PageClass::hwpoison ||
                                 page_class == PageClass::offline || page_class == PageClass::region;
    EXPECT_EQ(groups, is_never_stored ? 0 : 1) << i;
  }
}

TEST(CapturePlan, PartsGoInTheOrderOfTheirNumbers) {
  unsigned last = 0;
  for (const BulkGroup* group : kGroups) {
    EXPECT_TRUE(is_bulk(group->whole));
    for (const Phase phase : group->by_class) {
      EXPECT_TRUE(is_bulk(phase));
      EXPECT_GT(static_cast<unsigned>(phase), last);
      last = static_cast<unsigned>(phase);
    }
  }
  for (const Phase phase : {Phase::notes, Phase::stacks, Phase::survey, Phase::vmalloc})
    EXPECT_FALSE(is_bulk(phase));
}

TEST(CapturePlan, AGroupFitsWithEverythingBeforeIt) {
  SpaceEstimate estimate;
  left(estimate, PageClass::slab) = 1000;
  left(estimate, PageClass::struct_page) = 500;
  left(estimate, PageClass::user) = 10000;
  left(estimate, PageClass::offline) = 1'000'000;
  estimate.pages_stored = 10000;
  estimate.bytes_stored = 10000 * 400;
  estimate.space_left = 1500 * 400;
  EXPECT_TRUE(will_fit(estimate, kKernelPages));
  EXPECT_TRUE(will_fit(estimate, kStructPages));
  EXPECT_FALSE(will_fit(estimate, kUserPages));
  estimate.space_left -= 400;
  EXPECT_TRUE(will_fit(estimate, kKernelPages));
  EXPECT_FALSE(will_fit(estimate, kStructPages));
  estimate.space_left = 11500 * 400;
  EXPECT_TRUE(will_fit(estimate, kUserPages));
}

TEST(CapturePlan, WorseCompressionThanThoughtIsNoticed) {
  SpaceEstimate estimate;
  left(estimate, PageClass::kernel) = 1000;
  estimate.space_left = 1000 * 1000;
  estimate.pages_stored = 10000;
  estimate.bytes_stored = 10000 * 100;
  EXPECT_TRUE(will_fit(estimate, kKernelPages));
  estimate.bytes_stored = 10000 * 3000;
  EXPECT_FALSE(will_fit(estimate, kKernelPages));
}

TEST(CapturePlan, WithoutASampleAPageIsTakenToNeedAThird) {
  SpaceEstimate estimate;
  left(estimate, PageClass::kernel) = 1000;
  estimate.pages_stored = 3;
  estimate.bytes_stored = 3;
  estimate.space_left = 1000 * kPageSize / 4;
  EXPECT_FALSE(will_fit(estimate, kKernelPages));
  estimate.space_left = 1000 * kPageSize / 2;
  EXPECT_TRUE(will_fit(estimate, kKernelPages));
}

TEST(CapturePlan, TheMostAPageCanTakeIsMoreThanAPage) {
  for (const PageCount pages : {PageCount{0}, PageCount{1}, PageCount{256}, PageCount{32768}}) {
    EXPECT_GT(size_max(pages, 0), pages * kPageSize + dump_format::kFrameRawSizeMax);
    EXPECT_GT(size_max(pages, 2), size_max(pages, 1) + dump_format::kFrameRawSizeMax);
  }
}

TEST(CapturePlan, NothingLeftFitsAnywhere) {
  SpaceEstimate estimate;
  EXPECT_TRUE(will_fit(estimate, kUserPages));
  left(estimate, PageClass::free) = ~PageCount{0} / 2;
  EXPECT_FALSE(will_fit(estimate, kUserPages));
}

}  // namespace
}  // namespace warmdump
