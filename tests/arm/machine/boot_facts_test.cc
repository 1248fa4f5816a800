#include "arm/machine/boot_facts.h"

#include <gmock/gmock.h>

#include <filesystem>

#include "tests/support/temporary_directory.h"

namespace warmdump {
namespace {

constexpr const char* kOsRelease =
    "PRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nNAME=Debian\nVERSION_ID='12'\nVERSION_ID_LIKE=x\n";

TEST(BootFacts, os_release_values_lose_their_quotes) {
  EXPECT_EQ(os_release_value(kOsRelease, "PRETTY_NAME"), "Debian GNU/Linux 12 (bookworm)");
  EXPECT_EQ(os_release_value(kOsRelease, "VERSION_ID"), "12");
  EXPECT_EQ(os_release_value(kOsRelease, "NAME"), "Debian");
  EXPECT_EQ(os_release_value(kOsRelease, "VERSION"), "");
  EXPECT_EQ(os_release_value("NAME", "NAME"), "");
}

TEST(BootFacts, are_gathered_and_the_missing_left_out) {
  const test::TemporaryDirectory directory;
  const std::string root = directory.path();
  std::filesystem::create_directories(root + "/etc");
  std::filesystem::create_directories(root + "/proc/sys/kernel/random");
  ASSERT_TRUE(write_whole_file(root + "/etc/os-release", kOsRelease).has_value());
  ASSERT_TRUE(write_whole_file(root + "/etc/machine-id", "0123456789abcdef\n").has_value());
  ASSERT_TRUE(write_whole_file(root + "/proc/sys/kernel/random/boot_id", "6732421a\n").has_value());
  ASSERT_TRUE(write_whole_file(root + "/proc/sys/kernel/hostname", "(none)\n").has_value());
  const auto facts = gather_boot_facts(MachineFiles(root));
  EXPECT_EQ(facts.at("boot_id"), "6732421a");
  EXPECT_EQ(facts.at("os_release"), "Debian GNU/Linux 12 (bookworm)");
  EXPECT_EQ(facts.at("os_version"), "12");
  EXPECT_THAT(facts.at("armed_at"), testing::MatchesRegex("20..-..-..T..:..:..Z"));
  EXPECT_EQ(facts.count("hostname"), 0U);
  EXPECT_EQ(facts.count("kernel_release"), 0U);
  for (const auto& [key, value] : facts) EXPECT_EQ(value.find("0123456789abcdef"), std::string::npos) << key;
}

}  // namespace
}  // namespace warmdump
