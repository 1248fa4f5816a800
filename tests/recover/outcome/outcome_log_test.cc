#include "recover/outcome/outcome_log.h"

#include <gmock/gmock.h>
#include <sys/stat.h>

#include "tests/recover/kill_at_syscall.h"
#include "tests/recover/region_fixture.h"

namespace warmdump::test {
namespace {

using testing::ElementsAre;
using testing::SizeIs;

BootOutcome outcome_of(const std::string& boot_id, OutcomeKind kind = OutcomeKind::no_crash) {
  BootOutcome outcome;
  outcome.time = "2025-01-31T12:00:00Z";
  outcome.boot_id = boot_id;
  outcome.outcome = kind;
  outcome.previous.ended = "in_order";
  return outcome;
}

class OutcomeLogTest : public testing::Test {
 protected:
  std::vector<std::string> boots(const OutcomeLog& log) const {
    std::vector<std::string> ids;
    const auto read = log.read();
    EXPECT_TRUE(read);
    for (const BootOutcome& outcome : *read) ids.push_back(outcome.boot_id);
    return ids;
  }
  void write(const std::string& text) const {
    fs::create_directories(path_.parent_path());
    std::ofstream(path_, std::ios::binary) << text;
  }

  TemporaryDirectory temporary_{TemporaryDirectory::Place::memory};
  const fs::path path_ = temporary_.path() / "lib" / "outcomes.jsonl";
  const OutcomeLog log_{path_.string()};
};

TEST_F(OutcomeLogTest, ALineKeepsEveryValue) {
  BootOutcome outcome = outcome_of("b-2", OutcomeKind::crash_and_dump);
  outcome.tries = 2;
  outcome.reason = "why";
  outcome.previous = {"b-1", "unclean", 77, true, 3};
  outcome.crash =
      BootOutcome::Crash{"b-1", 1'700'000'000, 76, "Kernel panic", "dump", "watchdog timeout", "/sys/x"};
  outcome.capture = BootOutcome::Capture{"partial", "kernel pages", "no space", 28, "region full"};
  outcome.dump =
      BootOutcome::Dump{"1011", "/var/crash/d", 12345, true, "complete", "sealed", "sig", "https://c"};
  outcome.region = BootOutcome::Region{"region0", 1, 2, true, true, true};
  outcome.failure = BootOutcome::Trouble{"io", "cannot"};
  outcome.return_failure = BootOutcome::Trouble{"busy", "in use"};
  outcome.timings_ms = {{"total", 5}};
  outcome.crash_loop = BootOutcome::CrashLoop{true, 3, 3600};
  const std::string line = outcome_line(outcome);
  EXPECT_EQ(line.find('\n'), std::string::npos);
  const auto read = parse_outcome_line(line);
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(outcome_line(*read), line);
  for (const char* value : {"\"tries\":2", "\"lasted_s\":77", "\"armed\":true", "\"uptime_s\":76",
                            "\"errno\":28", "\"complete\":true", "\"returned\":true",
                            "\"sent_to\":\"https://c\"", "\"window_s\":3600", "\"code\":\"busy\""}) {
    EXPECT_NE(line.find(value), std::string::npos) << value << " in " << line;
  }
}

TEST_F(OutcomeLogTest, TextsOfACrashedKernelStayBoundedAndValid) {
  BootOutcome outcome = outcome_of("b");
  outcome.reason = std::string(100'000, '\xff') + "\n\"";
  const std::string line = outcome_line(outcome);
  EXPECT_LT(line.size(), 4096U);
  EXPECT_TRUE(parse_outcome_line(line));
}

TEST_F(OutcomeLogTest, LinesAreAppendedForTheOwnerAlone) {
  ASSERT_TRUE(log_.append(outcome_of("a")));
  ASSERT_TRUE(log_.append(outcome_of("b")));
  EXPECT_THAT(boots(log_), ElementsAre("a", "b"));
  struct stat status {};
  ASSERT_EQ(::stat(path_.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0600U);
  ASSERT_EQ(::stat(path_.parent_path().c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0700U);
}

TEST_F(OutcomeLogTest, ATornLastLineIsHealedByTheNextAppend) {
  const std::string whole = outcome_line(outcome_of("a")) + "\n";
  const std::string torn = outcome_line(outcome_of("b")) + "\n";
  std::vector<std::string> ends = {std::string(100, '\0'), std::string(50, '\0') + torn.substr(50)};
  for (std::size_t length = 1; length < torn.size(); length += 7) ends.push_back(torn.substr(0, length));
  for (const std::string& end : ends) {
    write(whole + end);
    EXPECT_THAT(boots(log_), ElementsAre("a"));
    ASSERT_TRUE(log_.append(outcome_of("c")));
    EXPECT_THAT(boots(log_), ElementsAre("a", "c"));
    EXPECT_EQ(content_of(path_), whole + outcome_line(outcome_of("c")) + "\n");
  }
}

TEST_F(OutcomeLogTest, ALineOfANewerVersionIsNoTornLine) {
  write("{\"schema\":99,\"x\":1}\n");
  ASSERT_TRUE(log_.append(outcome_of("a")));
  EXPECT_NE(content_of(path_).find("\"schema\":99"), std::string::npos);
}

TEST_F(OutcomeLogTest, TheFileRotatesAndOneOldOneIsKept) {
  const std::size_t line = outcome_line(outcome_of("b0")).size() + 1;
  const OutcomeLog small(path_, 2 * line);
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(small.append(outcome_of("b" + std::to_string(i))));
  EXPECT_THAT(boots(small), ElementsAre("b2", "b3", "b4"));
  EXPECT_THAT(names_in(path_.parent_path()), ElementsAre("outcomes.jsonl", "outcomes.jsonl.1"));
}

TEST_F(OutcomeLogTest, OfEachBootTheLastLineCounts) {
  ASSERT_TRUE(log_.append(outcome_of("a", OutcomeKind::not_recovered)));
  ASSERT_TRUE(log_.append(outcome_of("a", OutcomeKind::crash_and_dump)));
  ASSERT_TRUE(log_.append(outcome_of("b")));
  const auto read = log_.read_boots();
  ASSERT_TRUE(read);
  ASSERT_THAT(*read, SizeIs(2));
  EXPECT_EQ((*read)[0].outcome, OutcomeKind::crash_and_dump);
}

TEST_F(OutcomeLogTest, ASymbolicLinkIsNotFollowed) {
  fs::create_directories(path_.parent_path());
  fs::create_symlink(temporary_.path() / "target", path_);
  EXPECT_FALSE(log_.append(outcome_of("a")));
  EXPECT_FALSE(fs::exists(temporary_.path() / "target"));
}

// What was durable stays; the new line is there once or, after the kill, not at all; the next append works.
TEST_F(OutcomeLogTest, KilledAtEverySystemCallOfAnAppendThatRotates) {
  const std::size_t line = outcome_line(outcome_of("b0")).size() + 1;
  const OutcomeLog small(path_, 2 * line);
  for (int stop = 1;; ++stop) {
    std::error_code ignored;
    fs::remove_all(path_.parent_path(), ignored);
    for (int i = 0; i < 4; ++i) ASSERT_TRUE(small.append(outcome_of("b" + std::to_string(i))));
    const KillResult result = run_killed_at_syscall(stop, [&] { (void)small.append(outcome_of("b4")); });
    if (result == KillResult::cannot_trace) GTEST_SKIP() << "ptrace(2) is not allowed here";
    auto ids = boots(small);
    const bool is_written = ids.back() == "b4";
    if (is_written) ids.pop_back();
    ASSERT_GE(ids.size(), 2U) << stop;
    ASSERT_EQ(ids.back(), "b3") << stop;
    if (!is_written) {
      ASSERT_TRUE(small.append(outcome_of("b4"))) << stop;
    }
    ids = boots(small);
    ASSERT_EQ(std::count(ids.begin(), ids.end(), "b4"), 1) << stop;
    if (result == KillResult::finished) break;
  }
}

}  // namespace
}  // namespace warmdump::test
