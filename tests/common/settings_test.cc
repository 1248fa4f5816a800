#include "common/hosted/settings.h"

#include <gmock/gmock.h>

#include <regex>

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
fleet_public_key = "/etc/fleet.pub"
[consent]
file = "/var/lib/consent"
[plan]
size = "auto"
[recover]
spool = "/data/crash"
layout = "suse"
format = "elf"
compression = "zstd"
report = false
redact = true
user = "nobody"
unauthenticated = "keep"
max_dumps = 5
max_bytes = "2G"
min_free = "500M"
crash_loop_count = 3
crash_loop_minutes = 10
direct = "https://example.com/dumps"
direct_ca_file = "/etc/ca.pem"
direct_credentials_file = "/etc/warmdump/direct"
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
  EXPECT_EQ(settings->arm.fleet_public_key, "/etc/fleet.pub");
  EXPECT_EQ(settings->recover.spool, "/data/crash");
  EXPECT_EQ(settings->recover.layout, "suse");
  EXPECT_EQ(settings->recover.format, "elf");
  EXPECT_EQ(settings->recover.compression, "zstd");
  EXPECT_EQ(settings->recover.report, false);
  EXPECT_EQ(settings->recover.redact, true);
  EXPECT_EQ(settings->recover.user, "nobody");
  EXPECT_EQ(settings->recover.unauthenticated, "keep");
  EXPECT_EQ(settings->recover.max_dumps, 5U);
  EXPECT_EQ(settings->recover.max_bytes, "2G");
  EXPECT_EQ(settings->recover.min_free, "500M");
  EXPECT_EQ(settings->recover.crash_loop_count, 3U);
  EXPECT_EQ(settings->recover.crash_loop_minutes, 10U);
  EXPECT_EQ(settings->recover.direct, "https://example.com/dumps");
  EXPECT_EQ(settings->recover.direct_ca_file, "/etc/ca.pem");
  EXPECT_EQ(settings->recover.direct_credentials_file, "/etc/warmdump/direct");
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

// "#key = value" are settings, "# text" is prose.
TEST(Settings, the_installed_file_sets_nothing_and_all_that_it_offers_is_known) {
  const auto text = read_whole_file(WARMDUMP_SETTINGS_FILE, kMiB);
  ASSERT_TRUE(text.has_value());
  const auto as_installed = parse_settings(*text, "file");
  ASSERT_TRUE(as_installed.has_value()) << as_installed.error().message;
  EXPECT_FALSE(as_installed->arm.dump_level || as_installed->plan.size || as_installed->upload.to);

  const auto all_set = parse_settings(std::regex_replace(*text, std::regex("\n#([a-z])"), "\n$1"), "file");
  ASSERT_TRUE(all_set.has_value()) << all_set.error().message;
  const Settings& settings = *all_set;
  EXPECT_TRUE(settings.arm.dump_level && settings.arm.final_action && settings.arm.deadline_s &&
              settings.arm.watchdog_s && settings.arm.append_cmdline && settings.arm.append_cpio &&
              settings.arm.image && settings.arm.trim && settings.arm.kexec_load_disabled &&
              settings.arm.clear_memory_overwrite && settings.consent.file && settings.plan.size);
  ASSERT_FALSE(settings.upload.wrong) << settings.upload.wrong->message;
  EXPECT_TRUE(settings.upload.to && settings.upload.endpoint && settings.upload.delete_sent);
}

TEST(Settings, a_missing_file_has_none_and_an_unreadable_one_is_told) {
  const test::TemporaryDirectory directory;
  EXPECT_TRUE(read_settings(directory.file("none.toml")).has_value());
  EXPECT_FALSE(read_settings(directory.path()).has_value());
}

}  // namespace
}  // namespace warmdump
