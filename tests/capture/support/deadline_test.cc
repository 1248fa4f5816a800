#include "capture/support/deadline.h"

#include <gtest/gtest.h>

#include "capture/support/pulse.h"
#include "tests/support/manual_clock.h"

namespace warmdump {
namespace {

TEST(Deadline, WithoutOneNothingEverPasses) {
  EXPECT_FALSE(Deadline().passed());
  EXPECT_EQ(Deadline().left_ms(), UINT64_MAX);
}

TEST(Deadline, PassesAtItsTime) {
  test::ManualClock clock;
  clock.time_ms = 5000;
  const Deadline deadline(clock, 4000, 2000);
  EXPECT_EQ(deadline.left_ms(), 1000U);
  clock.time_ms = 5999;
  EXPECT_FALSE(deadline.passed());
  clock.time_ms = 6000;
  EXPECT_TRUE(deadline.passed());
  EXPECT_EQ(deadline.left_ms(), 0U);
}

TEST(Deadline, ALimitBeyondAllTimeNeverWraps) {
  test::ManualClock clock;
  clock.time_ms = 1000;
  EXPECT_FALSE(Deadline(clock, 1000, UINT64_MAX).passed());
}

TEST(MonotonicClock, DoesNotGoBack) {
  const MonotonicClock clock;
  const auto first = clock.now_ms();
  EXPECT_GE(clock.now_ms(), first);
}

struct CountingHeartbeat final : Heartbeat {
  void beat() override { ++count; }
  int count = 0;
};

TEST(Pulse, BeatsUntilTheDeadlineAndStaysOver) {
  test::ManualClock clock;
  CountingHeartbeat heartbeat;
  Pulse pulse(Deadline(clock, 0, 100), &heartbeat);
  EXPECT_TRUE(pulse.beat());
  EXPECT_FALSE(pulse.is_over());
  clock.time_ms = 100;
  EXPECT_FALSE(pulse.beat());
  clock.time_ms = 0;
  EXPECT_FALSE(pulse.beat());
  EXPECT_TRUE(pulse.is_over());
  EXPECT_EQ(heartbeat.count, 3);
}

TEST(Pulse, NeedsNobodyToListen) {
  Pulse pulse(Deadline(), nullptr);
  EXPECT_TRUE(pulse.beat());
}

}  // namespace
}  // namespace warmdump
