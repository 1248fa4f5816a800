#include "capture/support/progress_log.h"

#include <gmock/gmock.h>

#include "tests/support/manual_clock.h"

namespace warmdump {
namespace {

using testing::HasSubstr;

constexpr Progress at(std::uint64_t done) {
  return {.phase = "kernel pages",
          .done = done,
          .total = 1000,
          .bytes_raw = 300'000'000,
          .bytes_stored = 64 * kMiB};
}

struct Log {
  test::ManualClock clock;
  ProgressLog log{clock, 0};

  std::string line(const Progress& progress) {
    testing::internal::CaptureStderr();
    log.log(progress);
    return testing::internal::GetCapturedStderr();
  }
};

TEST(ProgressLog, SaysHowFarHowFastAndHowLongYet) {
  Log log;
  log.clock.time_ms = 3000;
  EXPECT_EQ(log.line(at(250)),
            "warmdump-capture: kernel pages, 25 %: 286 MiB in 64 MiB, 100 MB/s, about 9 s left\n");
}

TEST(ProgressLog, GuessesNothingItDoesNotKnow) {
  Log log;
  EXPECT_EQ(log.line({.phase = "notes"}), "warmdump-capture: notes: 0 MiB in 0 MiB\n");
  EXPECT_THAT(log.line(at(2000)), HasSubstr("100 %"));
}

TEST(ProgressLog, AtMostALineASecondAndNeverLongSilence) {
  Log log;
  log.clock.time_ms = 1000;
  ASSERT_TRUE(log.log.is_due(at(0)));
  log.line(at(0));
  log.clock.time_ms = 1999;
  EXPECT_FALSE(log.log.is_due(at(500)));
  log.clock.time_ms = 2000;
  EXPECT_FALSE(log.log.is_due(at(99)));
  EXPECT_TRUE(log.log.is_due(at(100)));
  log.clock.time_ms = 4000;
  EXPECT_TRUE(log.log.is_due(at(0)));
}

TEST(ProgressLog, AnotherPhaseIsNews) {
  Log log;
  log.clock.time_ms = 1000;
  log.line(at(0));
  log.clock.time_ms = 2000;
  EXPECT_TRUE(log.log.is_due({.phase = "struct pages", .done = 0, .total = 1000}));
}

}  // namespace
}  // namespace warmdump
