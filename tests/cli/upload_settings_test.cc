// The options of `warmdump upload`: what goes together, what lies over what.

#include "cli/upload_settings.h"

#include <gmock/gmock.h>

#include "common/hosted/whole_file.h"
#include "tests/support/temporary_directory.h"

namespace warmdump {
namespace {

using testing::HasSubstr;
using namespace std::chrono_literals;

Settings settings_of(const std::string& text) {
  auto settings = parse_settings(text, "file");
  EXPECT_TRUE(settings.has_value()) << settings.error().message;
  return *settings;
}

TEST(UploadSettingsOfCommand, without_settings_nothing_is_sent_and_defaults_hold) {
  const auto wanted = upload_settings({}, {}, "host-1");
  ASSERT_TRUE(wanted) << wanted.error().message;
  EXPECT_EQ(wanted->address, "");
  EXPECT_EQ(wanted->queue.device, "host-1");
  EXPECT_EQ(wanted->queue.spool, "/var/crash");
  EXPECT_EQ(wanted->queue.pages, PagesPolicy::always);
  EXPECT_EQ(wanted->queue.limits.bytes, 0U);
  EXPECT_EQ(wanted->queue.limits.pages_per_signature, 3U);
  EXPECT_EQ(wanted->queue.spread, 600s);
  EXPECT_EQ(wanted->queue.permission.metered, MeteredUse::report);
  EXPECT_TRUE(wanted->queue.permission.sends_on_battery);
  EXPECT_FALSE(wanted->delete_sent);
  EXPECT_EQ(wanted->consent_file, "");
}

TEST(UploadSettingsOfCommand, what_the_settings_say_reaches_the_queue_and_the_destination) {
  const auto wanted = upload_settings({}, settings_of(R"([consent]
file = "/consent"
[recover]
spool = "/data/crash"
[upload]
to = "s3://bucket"
endpoint = "https://rgw"
part_size = "16M"
bandwidth = "1M"
device = "lab"
vmcore = "asked"
daily_bytes = "1G"
daily_dumps = 4
vmcores_per_signature_per_day = 0
spread_s = 0
give_up_days = 2
metered = "never"
on_battery = false
delete_sent = true
)"),
                                      "host");
  ASSERT_TRUE(wanted) << wanted.error().message;
  EXPECT_EQ(wanted->address, "s3://bucket");
  EXPECT_EQ(wanted->destination.endpoint, "https://rgw");
  EXPECT_EQ(wanted->destination.part_bytes, 16 * kMiB);
  EXPECT_EQ(wanted->destination.bandwidth_bytes_per_second, kMiB);
  EXPECT_EQ(wanted->queue.spool, "/data/crash");
  EXPECT_EQ(wanted->queue.device, "lab");
  EXPECT_EQ(wanted->queue.pages, PagesPolicy::asked);
  EXPECT_EQ(wanted->queue.limits.bytes, kGiB);
  EXPECT_EQ(wanted->queue.limits.dumps, 4U);
  EXPECT_EQ(wanted->queue.limits.pages_per_signature, 0U);
  EXPECT_EQ(wanted->queue.spread, 0s);
  EXPECT_EQ(wanted->queue.give_up_age, 2 * kDay);
  EXPECT_EQ(wanted->queue.permission.metered, MeteredUse::never);
  EXPECT_FALSE(wanted->queue.permission.sends_on_battery);
  EXPECT_EQ(wanted->consent_file, "/consent");
  EXPECT_TRUE(wanted->delete_sent);
}

TEST(UploadSettingsOfCommand, secrets_of_the_settings_go_to_no_destination_but_theirs) {
  UploadArguments arguments;
  arguments.dump = "/var/crash/dump";
  arguments.to = "https://elsewhere.example";
  const auto settings = settings_of(
      "[upload]\nto = \"https://ours.example\"\ncredentials_file = \"/secret\"\nclient_key_file = \"/key\"\n"
      "proxy = \"http://proxy\"\nproxy_credentials_file = \"/proxy-secret\"\n");
  const auto wanted = upload_settings(arguments, settings, "host");
  ASSERT_TRUE(wanted) << wanted.error().message;
  EXPECT_EQ(wanted->address, "https://elsewhere.example");
  EXPECT_EQ(wanted->destination.credentials_file, "");
  EXPECT_EQ(wanted->destination.client_key_file, "");
  EXPECT_EQ(wanted->destination.proxy_credentials_file, "");
}

TEST(UploadSettingsOfCommand, a_dump_by_hand_goes_where_the_settings_say_when_nothing_else_is_said) {
  UploadArguments arguments;
  arguments.dump = "/var/crash/dump";
  const auto wanted = upload_settings(
      arguments, settings_of("[upload]\nto = \"dir:/x\"\ncredentials_file = \"/secret\"\n"), "h");
  ASSERT_TRUE(wanted) << wanted.error().message;
  EXPECT_EQ(wanted->address, "dir:/x");
  EXPECT_EQ(wanted->destination.credentials_file, "/secret");

  const auto nowhere = upload_settings(arguments, {}, "h");
  ASSERT_FALSE(nowhere);
  EXPECT_EQ(nowhere.error().code, ErrorCode::invalid);
  EXPECT_THAT(nowhere.error().message, HasSubstr("--to"));
}

TEST(UploadSettingsOfCommand, options_that_do_not_go_together_are_told) {
  struct Case {
    UploadArguments arguments;
    const char* message;
  };
  const auto with = [](auto change) {
    UploadArguments arguments;
    change(arguments);
    return arguments;
  };
  const Case cases[] = {
      {with([](auto& a) { a.to = "dir:/x"; }), "--to needs a DUMPDIR"},
      {with([](auto& a) { a.again = true; }), "--again needs a DUMPDIR"},
      {with([](auto& a) { a.dump = "d", a.to = "dir:/x", a.now = true; }), "--now"},
      {with([](auto& a) { a.dump = "d", a.to = "dir:/x", a.dry_run = true; }), "--dry-run"},
      {with([](auto& a) { a.dump = "d", a.to = "dir:/x", a.tidy = true; }), "--tidy"},
      {with([](auto& a) { a.tidy = true, a.now = true; }), "--tidy"},
      {with([](auto& a) { a.credentials_file = "/c"; }), "--credentials-file"},
      {with([](auto& a) { a.dump = "d", a.endpoint = "https://x"; }), "--endpoint"},
  };
  for (const auto& test : cases) {
    const auto wanted = upload_settings(test.arguments, settings_of("[upload]\nto = \"dir:/y\"\n"), "h");
    ASSERT_FALSE(wanted) << test.message;
    EXPECT_EQ(wanted.error().code, ErrorCode::invalid);
    EXPECT_THAT(wanted.error().message, HasSubstr(test.message));
  }
}

TEST(UploadSettingsOfCommand, a_mistake_in_the_settings_is_told_with_its_line) {
  const auto wanted =
      upload_settings({}, settings_of("[upload]\nto = \"dir:/x\"\nmetered = \"maybe\"\n"), "h");
  ASSERT_FALSE(wanted);
  EXPECT_EQ(wanted.error().code, ErrorCode::invalid);
  EXPECT_THAT(wanted.error().message, HasSubstr("file, line 3"));
}

TEST(UploadSettingsOfCommand, a_settings_file_that_was_named_must_be_there) {
  const test::TemporaryDirectory directory;
  UploadArguments arguments;
  arguments.settings = directory.file("none.toml");
  const auto wanted = upload_settings(arguments);
  ASSERT_FALSE(wanted);
  EXPECT_EQ(wanted.error().code, ErrorCode::invalid);
  EXPECT_THAT(wanted.error().message, HasSubstr("none.toml"));
}

}  // namespace
}  // namespace warmdump
