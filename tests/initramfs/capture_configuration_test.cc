#include "initramfs/capture_configuration.h"

#include <gtest/gtest.h>

namespace warmdump {
namespace {

TEST(CaptureConfiguration, all_keys) {
  CaptureConfiguration configuration;
  configuration.region_start = 0x10fe00000;
  configuration.region_size = 0x20200000;
  configuration.reset = ResetMode::efi;
  configuration.deadline_s = 90;
  configuration.watchdog_s = 30;
  configuration.info = {{"boot_id", "1-2"}, {"hostname", "box"}};
  configuration.hints = {{"cpu_count", 2}, {"per_cpu_offset", 0xffffffff82a1cb60}};
  EXPECT_EQ(capture_configuration_text(configuration, {"/modules/a.ko", "/modules/b.ko"}, "/modules/c.ko"),
            "region_start=0x10fe00000\n"
            "region_size=0x20200000\n"
            "dump_level=31\n"
            "reset=efi\n"
            "deadline=90\n"
            "watchdog=30\n"
            "module=/modules/a.ko\n"
            "module=/modules/b.ko\n"
            "pmem_module=/modules/c.ko\n"
            "hint.cpu_count=0x2\n"
            "hint.per_cpu_offset=0xffffffff82a1cb60\n"
            "info.boot_id=1-2\n"
            "info.hostname=box\n");
}

TEST(CaptureConfiguration, what_nobody_asked_for_is_left_to_the_capture) {
  const std::string text = capture_configuration_text({}, {}, "");
  EXPECT_NE(text.find("reset=warm\n"), std::string::npos);
  EXPECT_EQ(text.find("deadline"), std::string::npos);
  EXPECT_EQ(text.find("watchdog"), std::string::npos);
}

TEST(CaptureConfiguration, every_reset_has_its_word) {
  for (const ResetMode reset : {ResetMode::warm, ResetMode::cold, ResetMode::efi, ResetMode::acpi,
                                ResetMode::kbd, ResetMode::off, ResetMode::halt}) {
    EXPECT_EQ(reset_of_word(reset_word(reset)), reset);
  }
  EXPECT_FALSE(reset_of_word("soon").has_value());
}

TEST(CaptureConfiguration, a_secret_is_there_only_when_it_is_set) {
  EXPECT_EQ(capture_configuration_text({}, {}, "").find("secret"), std::string::npos);
  CaptureConfiguration configuration;
  configuration.secret = *Secret::parse(std::string(62, '0') + "a7");
  EXPECT_NE(capture_configuration_text(configuration, {}, "").find("secret=" + std::string(62, '0') + "a7\n"),
            std::string::npos);
  EXPECT_EQ(capture_configuration_text(configuration, {}, "").find("boot_id="), std::string::npos);
  configuration.info["boot_id"] = "b-1";
  EXPECT_NE(capture_configuration_text(configuration, {}, "").find("\nboot_id=b-1\n"), std::string::npos);
}

TEST(CaptureConfiguration, built_in_driver_has_no_line) {
  EXPECT_EQ(capture_configuration_text({}, {}, "").find("module"), std::string::npos);
}

TEST(CaptureConfiguration, a_value_cannot_make_a_line) {
  CaptureConfiguration configuration;
  configuration.reset = ResetMode::off;
  configuration.info = {{"os_release", "x\nregion_start=0\r"}, {"long", std::string(1000, 'y')}};
  const std::string text = capture_configuration_text(configuration, {}, "");
  EXPECT_NE(text.find("info.os_release=x region_start=0 \n"), std::string::npos);
  EXPECT_NE(text.find("info.long=" + std::string(kInfoValueSizeMax, 'y') + "\n"), std::string::npos);
  EXPECT_NE(text.find("reset=off\n"), std::string::npos);
}

}  // namespace
}  // namespace warmdump
