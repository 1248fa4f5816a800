// The offline self-test with the real capture program, and with faults that it has to find.

#include "selftest/offline/offline_test.h"

#include <gmock/gmock.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>

#include "tests/support/temporary_directory.h"

namespace warmdump {
namespace {

using testing::HasSubstr;

class OfflineTest : public testing::Test {
 protected:
  void SetUp() override {
    std::filesystem::create_directory(temporary_);
    request_.capture_path = WARMDUMP_CAPTURE;
    ::setenv("TMPDIR", temporary_.c_str(), 1);
  }
  void TearDown() override { ::unsetenv("TMPDIR"); }

  OfflineTestReport run() {
    return run_offline_test(request_, [this](const TestStep&) { ++steps_heard_; });
  }

  // A capture program that captures with the real one and then runs `more`, with $region set.
  void capture_and(const std::string& more) {
    const std::string script = directory_.file("capture");
    std::ofstream(script) << "#!/bin/sh\n"
                             "region=$4\n"
                          << more;
    std::filesystem::permissions(script, std::filesystem::perms::owner_all);
    request_.capture_path = script;
  }

  void expect_failure(const OfflineTestReport& report, const std::string& step, const std::string& why) {
    EXPECT_FALSE(report.ok());
    ASSERT_FALSE(report.steps.empty());
    EXPECT_FALSE(report.steps.back().ok);
    EXPECT_EQ(report.steps.back().name, step);
    EXPECT_THAT(report.steps.back().text, HasSubstr(why));
    expect_nothing_left();
  }

  void expect_nothing_left() { EXPECT_TRUE(std::filesystem::is_empty(temporary_)); }

  test::TemporaryDirectory directory_;
  std::string temporary_ = directory_.file("tmp");
  OfflineTestRequest request_;
  std::size_t steps_heard_ = 0;
};

const std::string kRealCapture = std::string(WARMDUMP_CAPTURE) + " \"$@\" || exit $?\n";

TEST_F(OfflineTest, PassesAndLeavesNothingBehind) {
  const OfflineTestReport report = run();
  for (const TestStep& step : report.steps) EXPECT_TRUE(step.ok) << step.name << ": " << step.text;
  EXPECT_TRUE(report.ok());
  EXPECT_EQ(report.steps.size(), 9U);
  EXPECT_EQ(steps_heard_, 9U);
  expect_nothing_left();
}

TEST_F(OfflineTest, KeepsEverythingWhereAsked) {
  request_.kept_directory = directory_.file("kept");
  EXPECT_TRUE(run().ok());
  EXPECT_TRUE(std::filesystem::exists(directory_.file("kept") + "/vmcore"));
  EXPECT_FALSE(std::filesystem::is_empty(directory_.file("kept") + "/spool"));
  const OfflineTestReport again = run();
  expect_failure(again, "a place to work", "is not empty");
  EXPECT_EQ(again.not_run.size(), 9U);
}

TEST_F(OfflineTest, SendsToADirectoryAndRemovesItThere) {
  const std::string target = directory_.file("target");
  std::filesystem::create_directory(target);
  request_.destination = "dir:" + target;
  const OfflineTestReport report = run();
  EXPECT_TRUE(report.ok()) << report.steps.back().text;
  EXPECT_THAT(report.steps.back().text, HasSubstr(target));
  EXPECT_TRUE(std::filesystem::is_empty(target));
}

TEST_F(OfflineTest, FindsADestinationThatCannotBeWritten) {
  request_.destination = "dir:" + directory_.file("nowhere");
  expect_failure(run(), "upload", "nowhere");
}

TEST_F(OfflineTest, FindsADestinationOfNoKnownKind) {
  request_.destination = "gopher://sink.example/";
  expect_failure(run(), "upload", "gopher");
}

TEST_F(OfflineTest, FindsACaptureProgramThatIsNotThere) {
  request_.capture_path = directory_.file("missing");
  expect_failure(run(), "capture", "missing");
}

TEST_F(OfflineTest, FindsACaptureThatFails) {
  capture_and("echo first; echo the region is bewitched >&2; exit 3\n");
  expect_failure(run(), "capture", "exit code 3: the region is bewitched");
}

TEST_F(OfflineTest, FindsACaptureThatDies) {
  capture_and("kill -SEGV $$\n");
  expect_failure(run(), "capture", "signal 11");
}

TEST_F(OfflineTest, FindsACaptureThatSaysItDidButDidNot) {
  capture_and("exit 0\n");
  expect_failure(run(), "pages in the region", "");
}

// Bytes of frames, one at a time from the first frame to the last: each is found.
TEST_F(OfflineTest, FindsADamagedByteOfTheRegion) {
  for (const unsigned kib : {2048U, 3072U, 4096U}) {
    SCOPED_TRACE(kib);
    capture_and(kRealCapture + "printf X | dd of=\"$region\" bs=1 seek=" + std::to_string(kib * 1024 + 65) +
                " conv=notrunc 2>/dev/null\n");
    expect_failure(run(), "pages in the region", "damaged");
  }
}

// A dump that is whole and true to itself, of a machine with one page changed.
TEST_F(OfflineTest, FindsACaptureThatStoresOtherBytes) {
  capture_and(
      "printf X | dd of=\"$2\" bs=1 seek=$(($(stat -c %s \"$2\") - 8 * 1024 * 1024)) conv=notrunc "
      "2>/dev/null\n" +
      kRealCapture);
  // That page is free and left out: nothing differs.
  EXPECT_TRUE(run().ok());
  capture_and(
      "printf X | dd of=\"$2\" bs=1 seek=$(($(stat -c %s \"$2\") - 20 * 1024 * 1024)) conv=notrunc "
      "2>/dev/null\n" +
      kRealCapture);
  expect_failure(run(), "pages in the region", "1 pages are wrong");
}

TEST_F(OfflineTest, FindsACaptureThatKeepsTooMuch) {
  capture_and("shift 6\nexec " + std::string(WARMDUMP_CAPTURE) +
              " --vmcore \"${region%region}vmcore\" --region \"$region\" --dump-level 15 \"$@\"\n");
  expect_failure(run(), "pages in the region", "should have been left out");
}

TEST_F(OfflineTest, FindsACaptureThatKeepsTooLittle) {
  capture_and("exec " + std::string(WARMDUMP_CAPTURE) + " \"$@\" --region-range 0x600000,0x4000\n");
  expect_failure(run(), "pages in the region", "4 pages are wrong: pfn 0x600 is missing");
}

}  // namespace
}  // namespace warmdump
