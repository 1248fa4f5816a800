#include "arm/machine/command_line.h"

#include <gmock/gmock.h>

namespace warmdump {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr AddressRange kRegion{0x10fe00000, 514 * kMiB};

TEST(CommandLine, options_are_split_as_the_kernel_does) {
  EXPECT_THAT(command_line_options("a  b=\"c d\" e\tf\n"), ElementsAre("a", "b=\"c d\"", "e", "f"));
  EXPECT_THAT(command_line_options("a -- memmap=1M!2M"), ElementsAre("a"));
  EXPECT_THAT(command_line_options(" \n"), IsEmpty());
}

TEST(CommandLine, regions_are_found_among_other_memmap_items) {
  const auto regions = regions_of_command_line(
      "ro memmap=514M!0x10fe00000 memmap=1M$0x1000000,2M!4G memmap=exactmap quiet mymemmap=1M!2M");
  ASSERT_TRUE(regions.has_value());
  EXPECT_THAT(*regions, ElementsAre(kRegion, AddressRange{4 * kGiB, 2 * kMiB}));
  EXPECT_THAT(*regions_of_command_line("quiet"), IsEmpty());
}

TEST(CommandLine, a_region_nobody_can_read_is_told) {
  for (const char* item : {"!4G", "1M!", "x!y", "0!4G", "1M!0xffffffffffffffff"}) {
    const auto regions = regions_of_command_line(std::string("memmap=") + item);
    ASSERT_FALSE(regions.has_value()) << item;
    EXPECT_EQ(regions.error().code, ErrorCode::invalid);
    EXPECT_THAT(regions.error().message, HasSubstr(item));
  }
}

}  // namespace
}  // namespace warmdump
