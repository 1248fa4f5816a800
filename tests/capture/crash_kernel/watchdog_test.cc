#include "capture/crash_kernel/watchdog.h"

#include <gtest/gtest.h>

#include <cerrno>

#include "tests/support/manual_clock.h"

namespace warmdump {
namespace {

class FakeWatchdog final : public WatchdogDevice {
 public:
  Result<unsigned> set_timeout(unsigned seconds) override {
    asked = seconds;
    if (real_timeout == 0) return Error::system("told nothing", ENOTTY);
    return real_timeout;
  }
  void feed() override { ++fed; }
  void disarm() override { is_disarmed = true; }

  unsigned real_timeout = 60;
  unsigned asked = 0;
  unsigned fed = 0;
  bool is_disarmed = false;
};

struct Watched {
  test::ManualClock clock;
  FakeWatchdog device;
  WatchdogFeeder feeder{clock};
};

TEST(WatchdogFeeder, FeedsFourTimesATimeoutHoweverOftenItBeats) {
  Watched watched;
  EXPECT_EQ(watched.feeder.start(watched.device, 60), 60U);
  EXPECT_EQ(watched.device.asked, 60U);
  EXPECT_EQ(watched.device.fed, 1U);
  for (int second = 0; second < 60; ++second) {
    watched.clock.time_ms += 1000;
    for (int i = 0; i < 10; ++i) watched.feeder.beat();
  }
  EXPECT_EQ(watched.device.fed, 5U);
}

TEST(WatchdogFeeder, StarvesWithoutABeat) {
  Watched watched;
  watched.feeder.start(watched.device, 60);
  watched.clock.time_ms += 3'600'000;
  EXPECT_EQ(watched.device.fed, 1U);
}

TEST(WatchdogFeeder, GoesByTheTimeoutTheDeviceReallyHas) {
  Watched watched;
  watched.device.real_timeout = 8;
  EXPECT_EQ(watched.feeder.start(watched.device, 60), 8U);
  watched.clock.time_ms += 1999;
  watched.feeder.beat();
  EXPECT_EQ(watched.device.fed, 1U);
  watched.clock.time_ms += 1;
  watched.feeder.beat();
  EXPECT_EQ(watched.device.fed, 2U);
}

TEST(WatchdogFeeder, FeedsOftenWhenTheTimeoutIsUnknown) {
  Watched watched;
  watched.device.real_timeout = 0;
  watched.feeder.start(watched.device, 60);
  watched.clock.time_ms += 1000;
  watched.feeder.beat();
  EXPECT_EQ(watched.device.fed, 2U);
}

TEST(WatchdogFeeder, DoesNothingWithoutAWatchdog) {
  Watched watched;
  watched.clock.time_ms += 100'000;
  watched.feeder.beat();
  watched.feeder.feed();
  watched.feeder.disarm();
  EXPECT_EQ(watched.device.fed, 0U);
}

TEST(WatchdogFeeder, GivesTheLastResetAWholeTimeout) {
  Watched watched;
  watched.feeder.start(watched.device, 60);
  watched.feeder.feed();
  EXPECT_EQ(watched.device.fed, 2U);
  EXPECT_FALSE(watched.device.is_disarmed);
  watched.feeder.disarm();
  EXPECT_TRUE(watched.device.is_disarmed);
}

}  // namespace
}  // namespace warmdump
