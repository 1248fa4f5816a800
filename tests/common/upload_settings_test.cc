// [upload] of the settings: every key, every mistake, and that a mistake there costs nothing else.

#include <gmock/gmock.h>

#include "common/hosted/settings.h"

namespace warmdump {
namespace {

using testing::HasSubstr;

TEST(UploadSettings, every_key_is_read) {
  const auto settings = parse_settings(R"([upload]
to = "s3://dumps/fleet"
endpoint = "https://rgw.example:7443"
region = "eu-1"
addressing = "virtual"
ca_file = "/etc/warmdump/ca.pem"
client_certificate_file = "/etc/warmdump/machine.pem"
client_key_file = "/etc/warmdump/machine.key"
credentials_file = "/etc/warmdump/credentials"
profile = "profile of s3"
credentials_from = "credentials_from of s3"
role_arn = "role_arn of s3"
web_identity_token_file = "web_identity_token_file of s3"
sts_endpoint = "sts_endpoint of s3"
server_side_encryption = "server_side_encryption of s3"
kms_key_id = "kms_key_id of s3"
proxy = "http://proxy.example:3128"
proxy_credentials_file = "/etc/warmdump/proxy"
no_proxy = "example.org,10.0.0.0/8"
broker_command = "/usr/local/bin/broker"
broker_url = "https://broker.example/ticket"
part_size = "16M"
parallel = 4
checksum = "crc32c"
bandwidth = "512K"
device = "lab-7"
vmcore = "asked"
daily_bytes = "1G"
daily_dumps = 9
vmcores_per_signature_per_day = 1
spread_s = 30
give_up_days = 14
metered = "never"
metered_command = "/usr/local/bin/metered"
on_battery = false
delete_sent = true
)",
                                       "file");
  ASSERT_TRUE(settings.has_value()) << settings.error().message;
  const auto& upload = settings->upload;
  ASSERT_FALSE(upload.wrong) << upload.wrong->message;
  EXPECT_EQ(upload.to, "s3://dumps/fleet");
  EXPECT_EQ(upload.endpoint, "https://rgw.example:7443");
  EXPECT_EQ(upload.region, "eu-1");
  EXPECT_EQ(upload.addressing, "virtual");
  EXPECT_EQ(upload.ca_file, "/etc/warmdump/ca.pem");
  EXPECT_EQ(upload.client_certificate_file, "/etc/warmdump/machine.pem");
  EXPECT_EQ(upload.client_key_file, "/etc/warmdump/machine.key");
  EXPECT_EQ(upload.credentials_file, "/etc/warmdump/credentials");
  EXPECT_EQ(upload.profile, "profile of s3");
  EXPECT_EQ(upload.credentials_from, "credentials_from of s3");
  EXPECT_EQ(upload.role_arn, "role_arn of s3");
  EXPECT_EQ(upload.web_identity_token_file, "web_identity_token_file of s3");
  EXPECT_EQ(upload.sts_endpoint, "sts_endpoint of s3");
  EXPECT_EQ(upload.server_side_encryption, "server_side_encryption of s3");
  EXPECT_EQ(upload.kms_key_id, "kms_key_id of s3");
  EXPECT_EQ(upload.proxy, "http://proxy.example:3128");
  EXPECT_EQ(upload.proxy_credentials_file, "/etc/warmdump/proxy");
  EXPECT_EQ(upload.no_proxy, "example.org,10.0.0.0/8");
  EXPECT_EQ(upload.broker_command, "/usr/local/bin/broker");
  EXPECT_EQ(upload.broker_url, "https://broker.example/ticket");
  EXPECT_EQ(upload.part_size, 16 * kMiB);
  EXPECT_EQ(upload.parallel, 4U);
  EXPECT_EQ(upload.checksum, "crc32c");
  EXPECT_EQ(upload.bandwidth, 512 * kKiB);
  EXPECT_EQ(upload.device, "lab-7");
  EXPECT_EQ(upload.vmcore, "asked");
  EXPECT_EQ(upload.daily_bytes, kGiB);
  EXPECT_EQ(upload.daily_dumps, 9U);
  EXPECT_EQ(upload.vmcores_per_signature_per_day, 1U);
  EXPECT_EQ(upload.spread_s, 30U);
  EXPECT_EQ(upload.give_up_days, 14U);
  EXPECT_EQ(upload.metered, "never");
  EXPECT_EQ(upload.metered_command, "/usr/local/bin/metered");
  EXPECT_EQ(upload.on_battery, false);
  EXPECT_EQ(upload.delete_sent, true);
}

TEST(UploadSettings, a_mistake_is_told_with_its_line_and_costs_the_other_tables_nothing) {
  const struct {
    const char* line;
    const char* message;
  } cases[] = {
      {"too = \"dir:/x\"", "file, line 4: unknown key \"too\" in [upload]"},
      {"to = 1", "file, line 4: \"to\" must be a text in quotes"},
      {"addressing = \"Path\"", "\"addressing\" must be \"auto\", \"path\" or \"virtual\""},
      {"part_size = \"1M\"", "\"part_size\" must be from \"5M\" to \"5G\""},
      {"part_size = \"8 MiB\"", "\"part_size\" must be from \"5M\" to \"5G\""},
      {"part_size = 8388608", "\"part_size\" must be from \"5M\" to \"5G\""},
      {"part_size = \"6G\"", "\"part_size\" must be from \"5M\" to \"5G\""},
      {"parallel = 0", "\"parallel\" must be a number from 1 to 16"},
      {"parallel = 17", "\"parallel\" must be a number from 1 to 16"},
      {"parallel = -1", "\"parallel\" must be a number from 1 to 16"},
      {"checksum = \"md5\"", "\"checksum\" must be \"none\", \"crc32c\" or \"sha256\""},
      {"bandwidth = \"fast\"", "\"bandwidth\" must be a number of bytes in quotes"},
      {"bandwidth = 1000", "\"bandwidth\" must be a number of bytes in quotes"},
      {"daily_bytes = \"-1\"", "\"daily_bytes\" must be a number of bytes in quotes"},
      {"daily_dumps = -1", "\"daily_dumps\" must be a number, 0 or more"},
      {"vmcore = \"yes\"", "\"vmcore\" must be \"always\", \"asked\" or \"never\""},
      {"vmcore = true", "\"vmcore\" must be \"always\", \"asked\" or \"never\""},
      {"spread_s = 86401", "\"spread_s\" must be a number of seconds, 86400 at most"},
      {"give_up_days = 0", "\"give_up_days\" must be a number of days, 1 to 3650"},
      {"metered = \"\"", "\"metered\" must be \"never\", \"report\" or \"always\""},
      {"on_battery = \"never\"", "\"on_battery\" must be true or false"},
      {"delete_sent = \"true\"", "\"delete_sent\" must be true or false"},
  };
  for (const auto& test : cases) {
    const auto settings =
        parse_settings(std::string("[arm]\ndump_level = 17\n[upload]\n") + test.line + "\n", "file");
    ASSERT_TRUE(settings.has_value()) << test.line << ": " << settings.error().message;
    EXPECT_EQ(settings->arm.dump_level, 17U);
    ASSERT_TRUE(settings->upload.wrong) << test.line;
    EXPECT_EQ(settings->upload.wrong->code, ErrorCode::invalid);
    EXPECT_THAT(settings->upload.wrong->message, HasSubstr("file, line 4: "));
    EXPECT_THAT(settings->upload.wrong->message, HasSubstr(test.message));
    EXPECT_EQ(settings->upload.wrong->message.find('\n'), std::string::npos);
  }
}

TEST(UploadSettings, the_first_of_several_mistakes_is_told) {
  const auto settings =
      parse_settings("[upload]\nmetered = \"no\"\nto = \"dir:/x\"\nparallel = 99\n", "file");
  ASSERT_TRUE(settings.has_value());
  ASSERT_TRUE(settings->upload.wrong);
  EXPECT_THAT(settings->upload.wrong->message, HasSubstr("metered"));
}

}  // namespace
}  // namespace warmdump
