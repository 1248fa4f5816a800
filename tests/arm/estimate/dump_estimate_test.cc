#include "arm/estimate/dump_estimate.h"

#include <gmock/gmock.h>

#include "arm/estimate/estimated_plan.h"
#include "tests/arm/estimate/fake_live_memory.h"
#include "tests/arm/machines.h"

namespace warmdump {
namespace {

using testing::HasSubstr;
using Content = FakeLiveMemory::Content;

constexpr unsigned kLevel = 31;
constexpr std::uint64_t kSeed = 1;

const ClassEstimate* find(const DumpEstimate& estimate, PageClass page_class) {
  for (const ClassEstimate& part : estimate.classes) {
    if (part.page_class == page_class) return &part;
  }
  return nullptr;
}

// 1 GiB: each class in a stretch of known length, none at a chunk's edge.
class Machine : public testing::Test {
 protected:
  static constexpr Pfn kEnd = 262144;

  void SetUp() override {
    using enum PageFlag;
    memory_.add({0, kEnd}, flag_bit(buddy), Content::random);
    memory_.add({1000, 11000}, flag_bit(slab), Content::equal);
    memory_.add({40000, 70000}, 0, Content::zero);
    memory_.add({50000, 55000}, 0, Content::random);
    memory_.add({100000, 200000}, flag_bit(lru), Content::random);
    memory_.add({210000, 210100}, flag_bit(hwpoison), Content::unreadable);
    memory_.add({220000, 221000}, flag_bit(buddy), Content::random);
    captured_.ram = {{256, kEnd}};
    captured_.kernel_image = {{220000, 221000}};
  }
  DumpEstimate estimate(unsigned level = kLevel) {
    auto made = estimate_dump(memory_, captured_, level, kSeed);
    EXPECT_TRUE(made.has_value());
    return std::move(*made);
  }
  PageCount pages(const DumpEstimate& made, PageClass page_class) {
    const ClassEstimate* part = find(made, page_class);
    return part == nullptr ? 0 : part->pages;
  }

  FakeLiveMemory memory_;
  CapturedMemory captured_;
};

TEST_F(Machine, every_page_is_counted_once) {
  const DumpEstimate made = estimate();
  EXPECT_EQ(made.pages, kEnd - 256);
  EXPECT_EQ(made.pages_read, made.pages);
  EXPECT_EQ(pages(made, PageClass::slab), 10000U);
  EXPECT_EQ(pages(made, PageClass::kernel), 30000U);
  EXPECT_EQ(pages(made, PageClass::cache), 100000U);
  EXPECT_EQ(pages(made, PageClass::hwpoison), 100U);
  EXPECT_EQ(pages(made, PageClass::kernel_image), 1000U) << "whatever its flags say";
  PageCount sum = 0;
  for (const ClassEstimate& part : made.classes) sum += part.pages;
  EXPECT_EQ(sum, made.pages);
}

TEST_F(Machine, pages_cost_what_they_compress_to) {
  const DumpEstimate made = estimate();
  // Random bytes stay as they are.
  const ClassEstimate& image = *find(made, PageClass::kernel_image);
  EXPECT_GE(image.bytes, 1000 * kPageSize);
  EXPECT_LE(image.bytes, 1000 * (kPageSize + 64));
  EXPECT_EQ(image.error, 0U) << "all of it was read";
  EXPECT_LT(find(made, PageClass::slab)->bytes, 10000 * kPageSize / 100);
  // 5000 random pages among 25000 zero ones, sampled: within three standard errors.
  const ClassEstimate& kernel = *find(made, PageClass::kernel);
  EXPECT_NEAR(static_cast<double>(kernel.bytes), 5000.0 * kPageSize, 3.0 * static_cast<double>(kernel.error));
  EXPECT_LT(kernel.error, kernel.bytes / 2);
  EXPECT_NEAR(kernel.zero_share, 25.0 / 30, 0.1);
  EXPECT_LE(kernel.pages_sampled, kFramesSampled * kPagesPerFrame);
}

TEST_F(Machine, the_dump_level_says_what_is_kept) {
  const DumpEstimate lean = estimate(31);
  EXPECT_FALSE(find(lean, PageClass::cache)->kept);
  EXPECT_EQ(find(lean, PageClass::cache)->bytes, 0U);
  const DumpEstimate all = estimate(0);
  EXPECT_NEAR(static_cast<double>(find(all, PageClass::cache)->bytes), 100000.0 * kPageSize, 100000.0 * 64);
  EXPECT_TRUE(find(all, PageClass::free)->kept);
  EXPECT_FALSE(find(all, PageClass::hwpoison)->kept) << "never read";
}

TEST_F(Machine, broken_and_left_out_pages_are_not_read) {
  estimate(31);
  EXPECT_LE(memory_.pages_read, 3 * kFramesSampled * kPagesPerFrame);
}

TEST_F(Machine, the_same_seed_gives_the_same_estimate) {
  EXPECT_EQ(estimate().bytes, estimate().bytes);
}

TEST_F(Machine, without_pages_usual_ratios_stand_in) {
  memory_.why = "locked down";
  const DumpEstimate made = estimate();
  EXPECT_EQ(made.why_unmeasured, "locked down");
  EXPECT_EQ(memory_.pages_read, 0U);
  const ClassEstimate& slab = *find(made, PageClass::slab);
  EXPECT_FALSE(slab.is_measured);
  EXPECT_EQ(slab.bytes, static_cast<ByteCount>(10000 * usual_bytes_per_page(PageClass::slab)));
  EXPECT_GT(made.class_map_bytes, 0U);
}

TEST_F(Machine, a_class_that_cannot_be_read_is_told_by_its_usual_ratio) {
  memory_.add({240000, 242000}, flag_bit(PageFlag::page_table), Content::unreadable);
  const ClassEstimate& tables = *find(estimate(), PageClass::page_table);
  EXPECT_FALSE(tables.is_measured);
  EXPECT_EQ(tables.bytes, static_cast<ByteCount>(2000 * usual_bytes_per_page(PageClass::page_table)));
}

TEST(LargeMachine, is_told_by_a_part_of_it) {
  // 1 TiB, slab in every other GiB.
  constexpr Pfn kEnd = Pfn{1} << 28;
  FakeLiveMemory memory;
  memory.add({0, kEnd}, flag_bit(PageFlag::buddy), Content::zero);
  for (Pfn first = 0; first < kEnd; first += 2 << 18) {
    memory.add({first, first + (1 << 18)}, flag_bit(PageFlag::slab), Content::equal);
  }
  const auto made = estimate_dump(memory, {.ram = {{0, kEnd}}, .kernel_image = {}}, kLevel, kSeed);
  ASSERT_TRUE(made.has_value());
  EXPECT_EQ(made->pages, kEnd);
  EXPECT_EQ(made->pages_read, PageCensus::kChunksRead * PageCensus::kChunkPfns);
  EXPECT_LT(memory.flags_read, made->pages_read * 5 / 4) << "few chunks are looked at twice";
  const ClassEstimate& slab = *find(*made, PageClass::slab);
  EXPECT_NEAR(static_cast<double>(slab.pages), kEnd / 2.0, kEnd * 0.05);
  EXPECT_GT(slab.error, 0U);
}

DumpEstimate estimate_of(ByteCount bytes) {
  DumpEstimate estimate;
  estimate.bytes = bytes;
  estimate.pages = 4 * kGiB / kPageSize;
  return estimate;
}

TEST(RecommendedRegion, has_room_for_growth_and_its_own_headers) {
  DumpEstimate estimate = estimate_of(100 * kMiB);
  estimate.error = 5 * kMiB;
  const RecommendedRegion region = recommended_region(estimate, 128 * kMiB);
  EXPECT_EQ(region.dump, 110 * kMiB);
  EXPECT_EQ(region.grown, 110 * kMiB * kGrowthFactor);
  EXPECT_EQ(region.unrounded, region.grown + 3 * kMiB);
  EXPECT_EQ(region.size, 386 * kMiB);
}

TEST(RecommendedRegion, is_never_a_tiny_share_of_ram) {
  const RecommendedRegion region = recommended_region(estimate_of(kMiB), 8 * kMiB);
  EXPECT_EQ(region.unrounded, 4 * kGiB / kRamShareMin + 3 * kMiB);
  EXPECT_EQ((region.size - kRegionLead) % (8 * kMiB), 0U);
}

PlanRequest request_of(const char* iomem) {
  PlanRequest request;
  request.machine.map = std::move(*parse_memory_map(iomem));
  request.machine.block_size = 128 * kMiB;
  return request;
}

TEST(EstimatedPlan, takes_the_size_of_the_estimate) {
  const auto plan = plan_for_estimate(request_of(machines::kVirtual4Gib), estimate_of(150 * kMiB));
  ASSERT_TRUE(plan.has_value()) << plan.error().message;
  EXPECT_EQ(plan->region.size, recommended_region(estimate_of(150 * kMiB), 128 * kMiB).size);
  EXPECT_THAT(plan->reasons.front(), HasSubstr("takes 150 MiB now"));
}

TEST(EstimatedPlan, falls_back_to_a_share_of_ram) {
  const auto share = plan_region(request_of(machines::kVirtual4Gib));
  const auto blind =
      plan_for_estimate(request_of(machines::kVirtual4Gib), Failure(ErrorCode::no_permission, "needs root"));
  ASSERT_TRUE(blind.has_value());
  EXPECT_EQ(blind->region, share->region);
  EXPECT_THAT(blind->reasons.front(),
              HasSubstr("share of RAM, because no estimate could be made: needs root"));
  const auto huge = plan_for_estimate(request_of(machines::kVirtual4Gib), estimate_of(900 * kMiB));
  ASSERT_TRUE(huge.has_value());
  EXPECT_EQ(huge->region, share->region);
  EXPECT_THAT(huge->warnings, testing::Contains(HasSubstr("does not fit")));
}

TEST(EstimatedPlan, keeps_a_region_that_is_there) {
  const auto fits = plan_for_estimate(request_of(machines::kVirtual4GibArmed), estimate_of(50 * kMiB));
  ASSERT_TRUE(fits.has_value());
  EXPECT_TRUE(fits->active);
  EXPECT_THAT(fits->warnings, testing::IsEmpty());
  const auto small = plan_for_estimate(request_of(machines::kVirtual4GibArmed), estimate_of(400 * kMiB));
  ASSERT_TRUE(small.has_value());
  EXPECT_TRUE(small->active);
  EXPECT_THAT(small->warnings, testing::Contains(HasSubstr("smaller than recommended")));
}

}  // namespace
}  // namespace warmdump
