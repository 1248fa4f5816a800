#include "common/hosted/settings.h"

#include <gmock/gmock.h>

#include "common/hosted/whole_file.h"
#include "tests/support/temporary_directory.h"

namespace warmdump {
namespace {

using testing::HasSubstr;

TEST(Settings, every_key_is_read) {
  const auto settings = parse_settings(R"([arm]
dump_level = 17
final_action = "efi"
deadline_s = 300
watchdog_s = 0
append_cmdline = "mce=off"
append_cpio = "/extra.cpio"
image = "/boot/crash-%v.img"
trim = true
kexec_load_disabled = true
clear_memory_overwrite = true
[consent]
file = "/var/lib/consent"
[plan]
size = "auto"
)",
                                       "file");
  ASSERT_TRUE(settings.has_value()) << settings.error().message;
  EXPECT_EQ(settings->arm.dump_level, 17U);
  EXPECT_EQ(settings->arm.final_action, "efi");
  EXPECT_EQ(settings->arm.deadline_s, 300U);
  EXPECT_EQ(settings->arm.watchdog_s, 0U);
  EXPECT_EQ(settings->arm.append_cmdline, "mce=off");
  EXPECT_EQ(settings->arm.append_cpio, "/extra.cpio");
  EXPECT_EQ(settings->arm.image, "/boot/crash-%v.img");
  EXPECT_EQ(settings->arm.trim, true);
  EXPECT_EQ(settings->arm.kexec_load_disabled, true);
  EXPECT_EQ(settings->arm.clear_memory_overwrite, true);
  EXPECT_EQ(settings->consent.file, "/var/lib/consent");
  EXPECT_EQ(settings->plan.size, "auto");
}

TEST(Settings, nothing_is_set_by_an_empty_file) {
  const auto settings = parse_settings("# all as it comes\n[arm]\n", "file");
  ASSERT_TRUE(settings.has_value()) << settings.error().message;
  EXPECT_FALSE(settings->arm.dump_level.has_value());
  EXPECT_FALSE(settings->arm.trim.has_value());
}

TEST(Settings, what_is_wrong_is_one_error_with_its_line) {
  const struct {
    const char* text;
    const char* message;
  } cases[] = {
      {"[arm]\ndump_levle = 1\n", "file, line 2: unknown key \"dump_levle\" in [arm]"},
      {"[arm]\n\n[amr]\n", "file, line 3: unknown table \"amr\""},
      {"dump_level = 1\n", "file, line 1: unknown key \"dump_level\""},
      {"arm = 1\n", "file, line 1: \"arm\" must be a table: [arm]"},
      {"[arm]\ndump_level = \"31\"\n", "file, line 2: \"dump_level\" must be a number"},
      {"[arm]\ndump_level = -1\n", "file, line 2: \"dump_level\" must be a number, 0 or more"},
      {"[arm]\ndump_level = 1.5\n", "file, line 2: \"dump_level\" must be a number"},
      {"[arm]\nfinal_action = 1\n", "file, line 2: \"final_action\" must be a text"},
      {"[arm]\ntrim = 1\n", "file, line 2: \"trim\" must be true or false"},
      {"[arm]\ntrim = \n", "file, line 2: "},
      {"[arm]\ntrim = true\ntrim = true\n", "file, line 3: "},
      {"[arm\n", "file, line 1: "},
      {"\xff\xfe", "file, line 1: "},
  };
  for (const auto& test : cases) {
    const auto settings = parse_settings(test.text, "file");
    ASSERT_FALSE(settings.has_value()) << test.text;
    EXPECT_EQ(settings.error().code, ErrorCode::invalid);
    EXPECT_THAT(settings.error().message, HasSubstr(test.message));
    EXPECT_EQ(settings.error().message.find('\n'), std::string::npos) << settings.error().message;
  }
}

TEST(Settings, a_missing_file_has_none_and_an_unreadable_one_is_told) {
  const test::TemporaryDirectory directory;
  EXPECT_TRUE(read_settings(directory.file("none.toml")).has_value());
  EXPECT_FALSE(read_settings(directory.path()).has_value());
}

}  // namespace
}  // namespace warmdump
