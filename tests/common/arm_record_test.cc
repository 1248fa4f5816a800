#include "common/hosted/arm_record.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <sys/stat.h>

#include <filesystem>

#include "common/hosted/whole_file.h"
#include "tests/support/temporary_directory.h"

namespace warmdump {
namespace {

using testing::HasSubstr;

ArmRecord sample_record() {
  ArmRecord record;
  record.boot_id = "b0071d00-0000-4000-8000-000000000001";
  record.armed_at = "2025-01-31T12:00:00Z";
  record.region_start = 0x10fe00000;
  record.region_size = 514 * kMiB;
  record.kernel_path = "/boot/vmlinuz-6.1.0-50-amd64";
  record.kernel_version = "6.1.0-50-amd64";
  record.command_line = "memmap=514M!0x10fe00000 quoted=\"a b\"";
  record.image_size = 213456;
  record.image_unpacked_size = 512000;
  record.image_sha256 = std::string(64, 'a');
  record.modules = {"libnvdimm", "nd_pmem"};
  record.crash_memory = 96 * kMiB;
  record.kernel_sha256 = std::string(64, 'b');
  record.memory = std::string(64, 'c');
  record.arguments = {"--dump-level=16"};
  record.secret = *Secret::fresh();
  record.test_id = "test-1";
  return record;
}

TEST(ArmRecord, is_read_as_it_was_written) {
  ArmRecord record = sample_record();
  record.dumps_taken = {"1011121314151617", "ffffffffffffffff"};
  record.dump_waits = 1;
  const auto read = parse_arm_record(arm_record_text(record), "record");
  ASSERT_TRUE(read.has_value()) << read.error().message;
  EXPECT_EQ(arm_record_text(*read), arm_record_text(record));
  EXPECT_EQ(read->secret, record.secret);
  EXPECT_EQ(read->modules, record.modules);
  EXPECT_EQ(read->test_id, "test-1");
  EXPECT_EQ(read->dumps_taken, record.dumps_taken);
  EXPECT_EQ(read->dump_waits, 1U);
}

TEST(ArmRecord, a_command_line_in_another_encoding_does_not_keep_it_from_being_written) {
  ArmRecord record = sample_record();
  record.command_line = "name=\xff";
  EXPECT_TRUE(parse_arm_record(arm_record_text(record), "record").has_value());
}

TEST(ArmRecord, what_is_wrong_is_named_with_its_key) {
  const std::string whole = arm_record_text(sample_record());
  const auto with = [&whole](const std::string& from, const std::string& to) {
    std::string text = whole;
    const auto at = text.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    return text.replace(at, from.size(), to);
  };
  const struct {
    std::string text;
    ErrorCode code;
    const char* message;
  } cases[] = {
      {"", ErrorCode::corrupt, "record is not a JSON object"},
      {whole.substr(0, whole.size() / 2), ErrorCode::corrupt, "record is not a JSON object"},
      {"[1]", ErrorCode::corrupt, "record is not a JSON object"},
      {"{}", ErrorCode::corrupt, "record: \"schema\" is missing"},
      {with("\"schema\":1", "\"schema\":9"), ErrorCode::unsupported, "\"schema\" is 9"},
      {with("\"boot_id\"", "\"boot\""), ErrorCode::corrupt, "\"boot_id\" is missing"},
      {with("\"size\":213456", "\"size\":-1"), ErrorCode::corrupt, "\"image.size\" is not a number"},
      {with("\"region\":{", "\"region\":7,\"other\":{"), ErrorCode::corrupt, "\"region.start\" is missing"},
      {with("[\"libnvdimm\"", "[3"), ErrorCode::corrupt, "\"image.modules\" is not a text"},
      {with("\"secret\":\"", "\"secret\":\"x"), ErrorCode::corrupt,
       "\"secret\" must be 64 hexadecimal digits"},
  };
  for (const auto& test : cases) {
    const auto record = parse_arm_record(test.text, "record");
    ASSERT_FALSE(record.has_value()) << test.message;
    EXPECT_EQ(record.error().code, test.code);
    EXPECT_THAT(record.error().message, HasSubstr(test.message));
  }
}

class ArmRecordsTest : public testing::Test {
 protected:
  const test::TemporaryDirectory directory_;
  const ArmRecords records_{directory_.file("state/arm")};
};

TEST_F(ArmRecordsTest, only_root_can_read_them) {
  ArmRecord record = sample_record();
  ASSERT_TRUE(records_.store(record).has_value());
  struct stat status {};
  ASSERT_EQ(::stat(records_.directory().c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777, 0700U);
  ASSERT_EQ(::stat((records_.directory() + "/" + record.boot_id + ".json").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777, 0600U);
}

TEST_F(ArmRecordsTest, the_last_boots_are_kept_whatever_the_clock_said) {
  for (int boot = 1; boot <= 7; ++boot) {
    ArmRecord record = sample_record();
    record.boot_id = fmt::format("boot-{}", boot);
    record.armed_at = fmt::format("{}-01-01T00:00:00Z", 2030 - boot);
    for (int times = 0; times < 2; ++times) ASSERT_TRUE(records_.store(record).has_value());
  }
  std::vector<std::string> boots;
  for (const ArmRecord& record : records_.all()) boots.push_back(record.boot_id);
  EXPECT_THAT(boots, testing::ElementsAre("boot-7", "boot-6", "boot-5", "boot-4"));
  EXPECT_FALSE(records_.find("boot-3")->has_value());
  EXPECT_EQ((*records_.find("boot-4"))->secret.hexadecimal().size(), 64U);
}

TEST_F(ArmRecordsTest, a_boot_id_cannot_lead_out_of_the_directory) {
  ArmRecord record = sample_record();
  for (const char* name : {"", "../x", "a/b", "a.b"}) {
    record.boot_id = name;
    EXPECT_EQ(records_.store(record).error().code, ErrorCode::invalid) << name;
    EXPECT_EQ(records_.find(name).error().code, ErrorCode::invalid) << name;
  }
}

TEST_F(ArmRecordsTest, a_damaged_record_is_told_and_can_be_replaced) {
  ArmRecord record = sample_record();
  ASSERT_TRUE(records_.store(record).has_value());
  const std::string path = records_.directory() + "/" + record.boot_id + ".json";
  ASSERT_TRUE(write_whole_file(path, "{\"schema\":1").has_value());
  EXPECT_THAT(records_.find(record.boot_id).error().message, HasSubstr(path));
  ASSERT_TRUE(records_.store(record).has_value());
  EXPECT_EQ((*records_.find(record.boot_id))->secret, record.secret);
}

TEST(Secret, two_are_never_alike) {
  EXPECT_FALSE(Secret().is_set());
  EXPECT_TRUE(Secret::fresh()->is_set());
  EXPECT_FALSE(*Secret::fresh() == *Secret::fresh());
}

TEST(Secret, is_64_digits_and_errors_do_not_repeat_it) {
  const Secret secret = *Secret::fresh();
  EXPECT_EQ(*Secret::parse(secret.hexadecimal()), secret);
  for (const std::string& text : {std::string(), std::string(63, '1'), std::string(64, 'g')}) {
    const auto parsed = Secret::parse(text);
    ASSERT_FALSE(parsed.has_value());
    EXPECT_EQ(parsed.error().message, "must be 64 hexadecimal digits");
  }
}

TEST(ArmRecords, what_recovery_notes_outlives_arming_again) {
  const test::TemporaryDirectory directory;
  const ArmRecords records(directory.file("records"));
  ArmRecord record = sample_record();
  ASSERT_TRUE(records.store(record).has_value());
  ASSERT_TRUE(records.note_waiting(record.boot_id).has_value());
  ASSERT_TRUE(records.note_taken(record.boot_id, "1011121314151617").has_value());
  ASSERT_TRUE(records.note_taken(record.boot_id, "1011121314151617").has_value());

  ArmRecord again = sample_record();
  ASSERT_TRUE(records.store(again).has_value());
  const auto read = records.find(record.boot_id);
  ASSERT_TRUE(read.has_value() && *read);
  EXPECT_EQ((*read)->dumps_taken, std::vector<std::string>{"1011121314151617"});
  EXPECT_EQ((*read)->dump_waits, 0U);
  EXPECT_TRUE(records.note_taken("b0071d00-0000-4000-8000-0000000000ff", "10").has_value());
  EXPECT_EQ(records.all().size(), 1U) << "nothing is made for a boot that was never armed";
}

TEST(ArmRecords, a_record_whose_dump_waits_is_kept_beside_the_last_ones) {
  const test::TemporaryDirectory directory;
  const ArmRecords records(directory.file("records"));
  for (int boot = 0; boot < 20; ++boot) {
    ArmRecord record = sample_record();
    record.boot_id = fmt::format("boot-{}", boot);
    ASSERT_TRUE(records.store(record).has_value());
    if (boot == 3 || boot >= 12) {
      ASSERT_TRUE(records.note_waiting(record.boot_id).has_value());
    }
  }
  EXPECT_EQ(records.all().size(), 2 * kArmRecordsKept) << "of those that wait only the newest, too";
  EXPECT_FALSE(records.find("boot-3")->has_value());
  EXPECT_TRUE(records.find("boot-19")->has_value());
  EXPECT_TRUE(records.find("boot-11")->has_value());
}

}  // namespace
}  // namespace warmdump
