// Records and queue state as files: what comes back, what is set aside, what a directory of the system does.

#include <sys/stat.h>
#include <unistd.h>

#include "tests/upload/dump_fixture.h"
#include "tests/upload/memory_state_files.h"
#include "upload/queue/queue_state.h"
#include "upload/queue/record_store.h"

namespace warmdump {
namespace {

using std::chrono::seconds;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

DumpRecord full_record() {
  DumpRecord record;
  record.id = "0123456789abcdef";
  record.sink = "s3://dumps";
  record.path = "/var/crash/a";
  record.name = "a";
  record.bytes = 7;
  record.signature = "w1-x";
  record.crash_time = 1'760'000'000;
  record.state = DumpState::sending;
  record.files = {{"vmcore", 5, std::string(64, 'a'), 12, -3, nullptr}};
  record.dump_id = "fedcba9876543210";
  record.key = "device/a-fedcba9876543210";
  RecordedObject object{"vmcore", ObjectState::sending, {}, {}};
  object.session = {"s3", "upload", "token", 8'388'608, 1'770'000'000, true, {{{1, 0, 5}, "etag"}}};
  record.objects = {object, {"meta.json", ObjectState::done, {}, {"key", "tag", "request"}}};
  record.deaths = 1;
  record.failures = 2;
  record.attempts = 3;
  record.bytes_sent = 4;
  record.created = {1'760'000'001, "boot", seconds(5), seconds(6)};
  record.next = {record.created, seconds(300)};
  record.last_error = RecordedError{Remedy::wait, ErrorCode::io, 503, "SlowDown", "text"};
  record.want = Destination::Want::later;
  return record;
}

TEST(UploadRecord, comes_back_as_stored) {
  const auto text = record_text(full_record());
  const auto back = parse_record(text);
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_EQ(record_text(*back), text);
  EXPECT_EQ(back->objects, full_record().objects);
  EXPECT_EQ(back->next, full_record().next);
  EXPECT_EQ(back->last_error, full_record().last_error);
}

TEST(UploadRecord, damage_at_every_byte_is_an_error_or_another_record_but_never_a_crash) {
  const auto text = record_text(full_record());
  for (std::size_t i = 0; i < text.size(); ++i) {
    (void)parse_record(text.substr(0, i));
    for (const char c : {'"', '9', '-', '{', '\0'}) {
      auto damaged = text;
      damaged[i] = c;
      const auto record = parse_record(damaged);
      EXPECT_TRUE(!record || parse_record(record_text(*record)));
    }
  }
}

TEST(UploadRecord, wrong_values_are_corrupt_and_newer_schemas_unsupported) {
  const std::string start = R"({"schema": 1, "id": "x", "sink": "y", "state": )";
  EXPECT_TRUE(parse_record(start + R"("queued"})"));
  for (const char* rest : {R"("mad"})", R"("queued", "deaths": -1})", R"("queued", "deaths": 4294967296})",
                           R"("queued", "bytes": 1.5})", R"("queued", "created": {"since_boot_s": -1}})",
                           R"("queued", "crash_time": 9223372036854775808})", R"("queued", "files": [{}]})",
                           R"("queued", "next": {"from": {}, "wait_s": 99999999999999999}})", R"(1})"}) {
    const auto record = parse_record(start + rest);
    ASSERT_FALSE(record) << rest;
    EXPECT_EQ(record.error().code, ErrorCode::corrupt) << rest;
  }
  for (const char* text : {"", "[]", "{}", "null", R"({"schema": "1"})", R"({"schema": -1})"}) {
    EXPECT_EQ(parse_record(text).error().code, ErrorCode::corrupt) << text;
    EXPECT_EQ(parse_queue_state(text).error().code, ErrorCode::corrupt) << text;
  }
  EXPECT_EQ(parse_record(R"({"schema": 2})").error().code, ErrorCode::unsupported);
}

TEST(UploadRecord, error_text_is_printable_and_bounded) {
  SendFailure failure(Failure(ErrorCode::io, "a\nb\x1b[31m" + std::string(1000, 'x')), Remedy::wait);
  failure.server_code = std::string(100, '\n');
  const auto error = recorded_error(failure);
  EXPECT_EQ(error.text.size(), 512u);
  EXPECT_THAT(error.text, testing::StartsWith("a b [31mxx"));
  EXPECT_EQ(error.server_code, std::string(64, ' '));
}

TEST(QueueStateFile, comes_back_as_stored) {
  QueueState state;
  state.seen = {1'760'000'001, "boot", seconds(5), seconds(6)};
  state.sink = "s3://dumps";
  state.sink_is_parked = true;
  state.sink_failures = 3;
  state.next = {state.seen, seconds(3600)};
  state.sink_error = RecordedError{Remedy::change_sink, ErrorCode::io, 403, "AccessDenied", "text"};
  state.journal = {{state.seen, "id", "w1-x", true, 99}};
  MemoryStateFiles files;
  ASSERT_TRUE(store_queue_state(files, state));
  const auto back = load_queue_state(files);
  ASSERT_TRUE(back);
  EXPECT_EQ(queue_state_text(*back), queue_state_text(state));
}

TEST(Records, of_gone_dumps_are_forgotten_by_age_and_by_count) {
  const Moment now{1'800'000'000, "a", seconds(0), seconds(0)};
  std::vector<DumpRecord> records(5);
  for (std::size_t i = 0; i < records.size(); ++i) {
    records[i].id = std::to_string(i);
    records[i].state = DumpState::done;
    records[i].ended = {now.wall - static_cast<std::time_t>(i) * 100 * 24 * 3600, "b", {}, {}};
  }
  records[4].state = DumpState::sending;
  EXPECT_THAT(prunable(records, {}, now), IsEmpty());
  records[4].state = DumpState::dead;
  EXPECT_THAT(prunable(records, {}, now), ElementsAre("4"));
  EXPECT_THAT(prunable(records, {"4"}, now), IsEmpty()) << "its dump is there: it would be sent again";
  records.resize(kRecordsMax + 3);
  for (std::size_t i = 5; i < records.size(); ++i) {
    records[i].id = std::to_string(i);
    records[i].state = DumpState::done;
    records[i].ended = now;
  }
  EXPECT_THAT(prunable(records, {}, now), ElementsAre("4", "3", "2"));
}

class StateDirectory : public testing::Test {
 protected:
  test::TemporaryDirectory temporary;
  std::string path = temporary / "upload";
};

TEST_F(StateDirectory, keeps_private_files_and_one_lock) {
  auto files = open_state_directory(path);
  ASSERT_TRUE(files) << files.error().message;
  RecordStore store(**files);
  const auto record = full_record();
  ASSERT_TRUE(store.store(record));
  ASSERT_TRUE(store.store(record));
  struct stat status {};
  ASSERT_EQ(stat((path + "/dump-" + record.id + ".json").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777, 0600u);
  ASSERT_EQ(stat(path.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777, 0700u);
  EXPECT_EQ(record_text(**store.find(record.id)), record_text(record));
  {
    const auto lock = (*files)->lock();
    ASSERT_TRUE(lock);
    EXPECT_EQ((*open_state_directory(path))->lock().error().code, ErrorCode::busy);
  }
  EXPECT_TRUE((*files)->lock());
  ASSERT_TRUE(store.remove(record.id));
  EXPECT_THAT(*(*files)->names(), ElementsAre("lock"));
}

TEST_F(StateDirectory, what_is_no_record_is_set_aside) {
  auto files = open_state_directory(path);
  ASSERT_TRUE(files);
  write_file(path + "/dump-a.json", "{");
  write_file(path + "/dump-b.json", record_text(full_record()));  // under another's name
  write_file(path + "/dump-c.json", std::string(5'000'000, ' '));
  std::filesystem::create_directory(path + "/dump-d.json");
  std::filesystem::create_symlink("/etc/passwd", path + "/dump-e.json");
  std::vector<std::string> untold;
  EXPECT_THAT(*RecordStore(**files).all(untold), IsEmpty());
  EXPECT_THAT(untold, SizeIs(5));
  EXPECT_THAT(*(*files)->names(), ElementsAre("dump-a.json.bad", "dump-b.json.bad", "dump-c.json.bad",
                                              "dump-d.json.bad", "dump-e.json"));
}

TEST_F(StateDirectory, is_read_without_a_trace) {
  const auto none = open_state_for_reading(path);
  ASSERT_TRUE(none);
  EXPECT_THAT(*(*none)->names(), IsEmpty());
  EXPECT_FALSE(std::filesystem::exists(path));
  std::filesystem::create_directory(path);
  write_file(path + "/queue.json", "{}");
  const auto files = open_state_for_reading(path);
  ASSERT_TRUE(files);
  EXPECT_EQ((*files)->write("x", "y").error().code, ErrorCode::refused);
  EXPECT_EQ((*files)->lock().error().code, ErrorCode::refused);
  EXPECT_THAT(listing(path), ElementsAre("queue.json"));
}

TEST_F(StateDirectory, is_no_link_and_no_file) {
  std::filesystem::create_directory(temporary / "real");
  std::filesystem::create_symlink(temporary / "real", path);
  EXPECT_EQ(open_state_directory(path).error().code, ErrorCode::invalid);
  write_file(temporary / "file", "");
  EXPECT_EQ(open_state_directory(temporary / "file").error().code, ErrorCode::invalid);
}

}  // namespace
}  // namespace warmdump
