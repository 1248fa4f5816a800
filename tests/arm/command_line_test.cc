#include "arm/command_line.h"

#include <gmock/gmock.h>

namespace warmdump {
namespace {

using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;

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

TEST(CommandLine, the_end_of_the_crash_kernel_is_on_it) {
  const struct {
    ResetMode reset;
    const char* option;
  } cases[] = {{ResetMode::warm, " reboot=warm "},    {ResetMode::cold, " reboot=cold "},
               {ResetMode::efi, " reboot=warm,efi "}, {ResetMode::acpi, " reboot=warm,acpi "},
               {ResetMode::kbd, " reboot=warm,kbd "}, {ResetMode::off, " reboot=warm "},
               {ResetMode::halt, " reboot=warm "}};
  for (const auto& test : cases) {
    EXPECT_THAT(crash_command_line_options(kRegion, {test.reset, false}), HasSubstr(test.option));
  }
  EXPECT_THAT(crash_command_line_options(kRegion, {ResetMode::warm, true}),
              EndsWith(" watchdog.stop_on_reboot=0"));
  EXPECT_THAT(crash_command_line_options(kRegion), Not(HasSubstr("watchdog")));
}

TEST(CommandLine, crash_kernel_gets_region_consoles_and_additions) {
  const auto line = crash_command_line(kRegion, {},
                                       "BOOT_IMAGE=/vmlinuz root=/dev/sda1 memmap=514M!0x10fe00000 "
                                       "crashkernel=128M console=tty0 console=ttyS0,115200 "
                                       "earlyprintk=serial quiet hugepages=100\n",
                                       "  loglevel=7 ");
  ASSERT_TRUE(line.has_value());
  EXPECT_THAT(*line, StartsWith("memmap=514M!0x10fe00000 nr_cpus=1 reset_devices "));
  EXPECT_THAT(*line, HasSubstr(" nokaslr "));
  EXPECT_THAT(*line, HasSubstr(" reboot=warm "));
  EXPECT_THAT(*line, EndsWith(" console=tty0 console=ttyS0,115200 earlyprintk=serial loglevel=7"));
  EXPECT_THAT(*line, Not(HasSubstr("crashkernel")));
  EXPECT_THAT(*line, Not(HasSubstr("root=")));
  EXPECT_THAT(*line, Not(HasSubstr("hugepages")));
}

TEST(CommandLine, too_long_is_refused_before_the_kernel_does) {
  EXPECT_TRUE(crash_command_line(kRegion, {}, "", std::string(1500, 'x')).has_value());
  const auto line = crash_command_line(kRegion, {}, "", std::string(2000, 'x'));
  ASSERT_FALSE(line.has_value());
  EXPECT_EQ(line.error().code, ErrorCode::invalid);
}

}  // namespace
}  // namespace warmdump
