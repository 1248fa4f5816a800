#include "arm/load/crash_command_line.h"

#include <gmock/gmock.h>

namespace warmdump {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

constexpr AddressRange kRegion{0x10fe00000, 514 * kMiB};

TEST(CrashCommandLine, the_end_of_the_crash_kernel_is_on_it) {
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

TEST(CrashCommandLine, crash_kernel_gets_region_consoles_and_additions) {
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

TEST(CrashCommandLine, too_long_is_refused_before_the_kernel_does) {
  EXPECT_TRUE(crash_command_line(kRegion, {}, "", std::string(1500, 'x')).has_value());
  const auto line = crash_command_line(kRegion, {}, "", std::string(2000, 'x'));
  ASSERT_FALSE(line.has_value());
  EXPECT_EQ(line.error().code, ErrorCode::invalid);
}

}  // namespace
}  // namespace warmdump
