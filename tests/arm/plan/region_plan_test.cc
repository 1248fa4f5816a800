#include "arm/plan/region_plan.h"

#include <gmock/gmock.h>

#include "arm/machine/command_line.h"
#include "common/hosted/byte_count_text.h"
#include "tests/arm/machines.h"
#include "tests/arm/plan/plan_judge.h"

namespace warmdump {
namespace {

using testing::Contains;
using testing::Field;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr ByteCount kSmallBlock = 128 * kMiB;

Machine machine_of(const char* iomem, ByteCount block_size) {
  Machine machine;
  machine.map = std::move(*parse_memory_map(iomem));
  machine.block_size = block_size;
  return machine;
}

Outcome<RegionPlan> plan(const char* iomem, ByteCount block_size, std::optional<ByteCount> size = {}) {
  return plan_region({machine_of(iomem, block_size), size});
}

Machine plain_machine(ByteCount ram_size, ByteCount block_size) {
  Machine machine;
  machine.map = plain_pc_memory_map(ram_size);
  machine.block_size = block_size;
  return machine;
}

Outcome<RegionPlan> plan(ByteCount ram_size, ByteCount block_size, std::optional<ByteCount> size = {}) {
  return plan_region({plain_machine(ram_size, block_size), size});
}

void expect_sound(const Machine& machine, const std::optional<ByteCount>& size,
                  const Outcome<RegionPlan>& result) {
  EXPECT_THAT(objections_to_plan(machine, size, result), IsEmpty());
}

struct MachineCase {
  const char* name;
  const char* iomem;
  ByteCount block_size;
  AddressRange region;
  unsigned warnings;
};

class EveryMachine : public testing::TestWithParam<MachineCase> {};

TEST_P(EveryMachine, is_planned) {
  const MachineCase& machine = GetParam();
  const auto result = plan(machine.iomem, machine.block_size);
  ASSERT_TRUE(result.has_value()) << result.error().message;
  expect_sound(machine_of(machine.iomem, machine.block_size), {}, result);
  EXPECT_EQ(address_range_text(result->region), address_range_text(machine.region));
  EXPECT_EQ(result->warnings.size(), machine.warnings);
}

INSTANTIATE_TEST_SUITE_P(
    Machines, EveryMachine,
    testing::Values(
        // With 512 MiB above; the kernel's image, placed at random, is elsewhere at the next boot.
        MachineCase{"Virtual4Gib", machines::kVirtual4Gib, kSmallBlock, {0x10fe00000, 258 * kMiB}, 0},
        MachineCase{
            "Virtual4GibArmed", machines::kVirtual4GibArmed, kSmallBlock, {0x10fe00000, 514 * kMiB}, 0},
        MachineCase{"Laptop8Gib", machines::kLaptop8Gib, kSmallBlock, {0x227e00000, 514 * kMiB}, 0},
        // 2 GiB stay free above the region, which the second crash kernel range happens to lie in.
        MachineCase{
            "Server128Gib", machines::kServer128Gib, 2 * kGiB, {0x1dffe00000, 8 * kGiB + 2 * kMiB}, 0},
        MachineCase{"Virtual1Gib", machines::kVirtual1Gib, kSmallBlock, {0xfe00000, 130 * kMiB}, 1},
        // No place leaves a whole block above; this one leaves 64 MiB.
        MachineCase{"Holes", machines::kHoles, kSmallBlock, {0x147e00000, 386 * kMiB}, 0}),
    [](const auto& chosen) { return chosen.param.name; });

// Sizes of plain PCs, from the smallest that can to the largest.
TEST(RegionPlan, every_memory_size_is_sound) {
  const ByteCount sizes[] = {512 * kMiB,  768 * kMiB,  kGiB,       1536 * kMiB, 2 * kGiB,   3 * kGiB,
                             3400 * kMiB, 3500 * kMiB, 4 * kGiB,   5 * kGiB,    6 * kGiB,   8 * kGiB,
                             12 * kGiB,   16 * kGiB,   24 * kGiB,  32 * kGiB,   48 * kGiB,  64 * kGiB,
                             96 * kGiB,   128 * kGiB,  256 * kGiB, 512 * kGiB,  kGiB * kKiB};
  for (const ByteCount ram_size : sizes) {
    for (const ByteCount block_size : {kSmallBlock, 512 * kMiB, 2 * kGiB}) {
      if (ram_size > 256 * kGiB && block_size == kSmallBlock) continue;  // real ones have 2 GiB
      const auto result = plan(ram_size, block_size);
      if (!result.has_value()) {
        EXPECT_LE(ram_size, 3 * block_size)
            << readable_byte_count(ram_size) << ": " << result.error().message;
        continue;
      }
      SCOPED_TRACE(exact_byte_count(ram_size) + " blocks of " + exact_byte_count(block_size));
      expect_sound(plain_machine(ram_size, block_size), {}, result);
      const bool below = result->region.start < 4 * kGiB;
      const bool at_top = result->region.end() >= 4 * kGiB + (ram_size - std::min(ram_size, 3 * kGiB));
      EXPECT_EQ(below || at_top, !result->warnings.empty());
    }
  }
}

TEST(RegionPlan, default_size_is_a_sixteenth) {
  EXPECT_EQ(plan(64 * kGiB, kSmallBlock)->returned_size, 4 * kGiB);
  EXPECT_EQ(plan(kGiB, kSmallBlock)->returned_size, 128 * kMiB);
  EXPECT_EQ(plan(16 * kGiB, 2 * kGiB)->returned_size, 2 * kGiB) << "at least one block";
}

TEST(RegionPlan, default_size_gives_way_to_the_better_place) {
  const auto result = plan(3400 * kMiB, kSmallBlock);
  ASSERT_TRUE(result.has_value());
  EXPECT_GE(result->region.start, 4 * kGiB);
  EXPECT_EQ(result->returned_size, 128 * kMiB);
}

TEST(RegionPlan, wanted_size_is_rounded_up_to_blocks) {
  EXPECT_EQ(plan(16 * kGiB, kSmallBlock, 512 * kMiB)->region.size, 514 * kMiB);
  EXPECT_EQ(plan(16 * kGiB, kSmallBlock, 514 * kMiB)->region.size, 514 * kMiB);
  EXPECT_EQ(plan(16 * kGiB, kSmallBlock, 515 * kMiB)->region.size, 642 * kMiB);
  EXPECT_EQ(plan(16 * kGiB, kSmallBlock, 1)->region.size, 130 * kMiB);
}

TEST(RegionPlan, the_block_below_the_last_one_is_used) {
  const auto result = plan(4 * kGiB, kSmallBlock, 128 * kMiB);
  ASSERT_TRUE(result.has_value());
  EXPECT_LE(result->region.end(), 5 * kGiB - kSmallBlock);
}

TEST(RegionPlan, the_top_of_ram_is_the_last_choice_and_said) {
  // 640 MiB above 4 GiB: the first block lends its last 2 MiB, four remain, and all four are wanted.
  Machine machine =
      machine_of("00100000-bfffffff : System RAM\n100000000-127ffffff : System RAM\n", kSmallBlock);
  const auto low = plan_region({machine, 512 * kMiB});
  ASSERT_TRUE(low.has_value());
  EXPECT_LT(low->region.end(), 3 * kGiB) << "without an affinity table the kernel knows no node up there";

  machine.affinity_state = TableState::present;
  machine.affinity = {{{0, 3 * kGiB}, 0, false}, {{4 * kGiB, 640 * kMiB}, 0, false}};
  const auto high = plan_region({machine, 512 * kMiB});
  ASSERT_TRUE(high.has_value());
  EXPECT_EQ(high->region, (AddressRange{0x107e00000, 514 * kMiB}));
  EXPECT_THAT(high->warnings, testing::ElementsAre(HasSubstr("top of RAM")));
  EXPECT_THAT(objections_to_plan(machine, 512 * kMiB, high), IsEmpty());
}

TEST(RegionPlan, low_memory_only_when_asked_for_too_much) {
  const auto result = plan(4 * kGiB, kSmallBlock, 1536 * kMiB);
  ASSERT_TRUE(result.has_value());
  EXPECT_LT(result->region.end(), 3 * kGiB);
  EXPECT_THAT(result->warnings, testing::ElementsAre(HasSubstr("no RAM above 4 GiB has room")));
  EXPECT_THAT(result->refused, Contains(Field(&RefusedPlace::reason, HasSubstr("too small for 1.5 GiB"))));
}

TEST(RegionPlan, never_across_four_gib) {
  const auto result = plan("00100000-1ffffffff : System RAM\n", kSmallBlock, 3 * kGiB);
  ASSERT_TRUE(result.has_value());
  EXPECT_TRUE(result->region.end() <= 4 * kGiB || result->region.start >= 4 * kGiB);
}

TEST(RegionPlan, what_does_not_fit_is_told_with_the_largest_that_does) {
  const auto result = plan(16 * kGiB, kSmallBlock, 12 * kGiB);
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error().code, ErrorCode::no_space);
  EXPECT_THAT(result.error().message, HasSubstr("8064M"));
  EXPECT_TRUE(plan(16 * kGiB, kSmallBlock, 8064 * kMiB).has_value()) << "what the message offers must work";
}

TEST(RegionPlan, nonsense_is_refused) {
  EXPECT_EQ(plan(4 * kGiB, kSmallBlock, 0).error().code, ErrorCode::invalid);
  EXPECT_EQ(plan(4 * kGiB, kSmallBlock, 5 * kGiB).error().code, ErrorCode::invalid);
  EXPECT_EQ(plan(4 * kGiB, kSmallBlock, ~ByteCount{0}).error().code, ErrorCode::invalid);
  EXPECT_EQ(plan(4 * kGiB, 0).error().code, ErrorCode::invalid);
  EXPECT_EQ(plan(4 * kGiB, 3 * kMiB).error().code, ErrorCode::invalid);
  EXPECT_EQ(plan(256 * kMiB, kSmallBlock).error().code, ErrorCode::no_space);
  EXPECT_EQ(plan(4 * kGiB, 2 * kGiB).error().code, ErrorCode::no_space)
      << "2 GiB blocks do not fit a 4 GiB machine";
}

TEST(RegionPlan, an_existing_region_is_kept) {
  for (const std::optional<ByteCount> size : {std::optional<ByteCount>(), std::optional(512 * kMiB)}) {
    const auto result = plan(machines::kVirtual4GibArmed, kSmallBlock, size);
    ASSERT_TRUE(result.has_value());
    EXPECT_TRUE(result->active);
    EXPECT_EQ(result->running_options, "memmap=514M!0x10fe00000 crashkernel=96M");
    EXPECT_EQ(result->ram_size, plan(machines::kVirtual4Gib, kSmallBlock)->ram_size);
    EXPECT_THAT(result->warnings, IsEmpty());
  }
}

TEST(RegionPlan, an_existing_region_of_another_size_is_planned_anew) {
  const auto result = plan(machines::kVirtual4GibArmed, kSmallBlock, 256 * kMiB);
  ASSERT_TRUE(result.has_value());
  EXPECT_FALSE(result->active);
  EXPECT_EQ(result->region, (AddressRange{0x10fe00000, 258 * kMiB})) << "in the RAM of the old region";
  EXPECT_THAT(result->warnings, testing::ElementsAre(HasSubstr("remove its memmap=")));
}

TEST(RegionPlan, an_existing_region_that_wastes_a_block_is_replaced) {
  const auto result = plan(
      "00100000-bfffffff : System RAM\n100000000-10fffffff : System RAM\n"
      "110000000-12fffffff : Persistent Memory (legacy)\n130000000-1ffffffff : System RAM\n",
      kSmallBlock);
  ASSERT_TRUE(result.has_value());
  EXPECT_FALSE(result->active);
}

// memmap=2G!0xa0000000 over the hole for devices: the kernel makes five pieces, of which two are no RAM.
TEST(RegionPlan, pieces_of_a_cut_region_are_no_ram) {
  const auto result = plan(
      "00100000-9fffffff : System RAM\na0000000-bffdffff : Persistent Memory (legacy)\n"
      "bffe0000-bfffffff : Persistent Memory (legacy)\nc0000000-fffbffff : Persistent Memory (legacy)\n"
      "fffc0000-ffffffff : Persistent Memory (legacy)\n100000000-11fffffff : Persistent Memory (legacy)\n"
      "120000000-13fffffff : System RAM\n",
      kSmallBlock);
  ASSERT_TRUE(result.has_value()) << result.error().message;
  EXPECT_GE(result->region.start, 0x120000000U);
  EXPECT_THAT(result->warnings, testing::Each(HasSubstr("keeps off it")));
  EXPECT_EQ(result->warnings.size(), 5U);
}

TEST(RegionPlan, occupied_places_are_told) {
  const auto result = plan(machines::kVirtual4Gib, kSmallBlock);
  EXPECT_THAT(result->refused, Contains(Field(&RefusedPlace::reason, "occupied by Crash kernel")));
}

TEST(RegionPlan, kernel_without_a_random_place_stays_where_it_is) {
  Machine machine = machine_of(machines::kVirtual4Gib, kSmallBlock);
  EXPECT_THAT(plan_region({machine, {}})->refused,
              testing::Not(Contains(Field(&RefusedPlace::reason, "occupied by Kernel code"))));
  machine.options = memory_options_of("ro nokaslr quiet");
  const auto result = plan_region({machine, {}});
  EXPECT_THAT(result->refused, Contains(Field(&RefusedPlace::reason, "occupied by Kernel code")));
  EXPECT_EQ(result->region, (AddressRange{0x107e00000, 258 * kMiB}));
}

}  // namespace
}  // namespace warmdump
