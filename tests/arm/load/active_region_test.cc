#include "arm/load/active_region.h"

#include <gmock/gmock.h>

#include "tests/arm/machines.h"

namespace warmdump {
namespace {

using testing::HasSubstr;

constexpr AddressRange kRegion{0x10fe00000, 514 * kMiB};
constexpr const char* kTwoRegions =
    "00100000-bfffffff : System RAM\n"
    "10fe00000-12fffffff : Persistent Memory (legacy)\n"
    "137e00000-13fffffff : Persistent Memory (legacy)\n";
constexpr AddressRange kSecondRegion{0x137e00000, 130 * kMiB};

Outcome<AddressRange> find(const char* iomem, const char* command_line,
                           std::optional<AddressRange> wanted = {}) {
  return find_active_region(TRY(parse_memory_map(iomem)), command_line, wanted);
}

TEST(ActiveRegion, the_only_one_is_found) {
  const auto region = find(machines::kVirtual4GibArmed, "quiet memmap=514M!0x10fe00000");
  ASSERT_TRUE(region.has_value()) << region.error().message;
  EXPECT_EQ(*region, kRegion);
}

TEST(ActiveRegion, none_leads_to_plan) {
  const auto region = find(machines::kVirtual4Gib, "quiet");
  ASSERT_FALSE(region.has_value());
  EXPECT_EQ(region.error().code, ErrorCode::not_found);
  EXPECT_THAT(region.error().message, HasSubstr("warmdump plan"));
}

TEST(ActiveRegion, another_than_the_command_line_asks_for_is_refused) {
  for (const char* command_line : {"quiet", "memmap=512M!0x110000000", "memmap=514M!0x10fe00001"}) {
    const auto region = find(machines::kVirtual4GibArmed, command_line);
    ASSERT_FALSE(region.has_value()) << command_line;
    EXPECT_EQ(region.error().code, ErrorCode::refused);
  }
}

TEST(ActiveRegion, several_need_a_choice) {
  const char* command_line = "memmap=514M!0x10fe00000,130M!0x137e00000";
  const auto region = find(kTwoRegions, command_line);
  ASSERT_FALSE(region.has_value());
  EXPECT_EQ(region.error().code, ErrorCode::refused);
  EXPECT_THAT(region.error().message, HasSubstr("0x137e00000,130M"));
  EXPECT_EQ(*find(kTwoRegions, command_line, kSecondRegion), kSecondRegion);
}

TEST(ActiveRegion, a_choice_that_is_not_there_is_told) {
  const auto region = find(machines::kVirtual4GibArmed, "memmap=514M!0x10fe00000", kSecondRegion);
  ASSERT_FALSE(region.has_value());
  EXPECT_EQ(region.error().code, ErrorCode::not_found);
}

TEST(ActiveRegion, too_small_for_a_dump) {
  const auto region = find(
      "00100000-bfffffff : System RAM\n100000000-1000fffff : Persistent Memory (legacy)\n", "memmap=1M!4G");
  ASSERT_FALSE(region.has_value());
  EXPECT_EQ(region.error().code, ErrorCode::no_space);
}

TEST(ActiveRegion, an_image_can_go_by_the_command_line) {
  EXPECT_EQ(*find_region_of_command_line("memmap=514M!0x10fe00000", {}), kRegion);
  EXPECT_EQ(*find_region_of_command_line("", kSecondRegion), kSecondRegion);
  EXPECT_FALSE(find_region_of_command_line("", {}).has_value());
}

}  // namespace
}  // namespace warmdump
