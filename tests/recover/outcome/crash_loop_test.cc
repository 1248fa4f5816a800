#include "recover/outcome/crash_loop.h"

#include <gtest/gtest.h>

namespace warmdump::test {
namespace {

// A machine in virtual time: boots that end in one way or another, and what recover writes of them.
class CrashLoopTest : public testing::Test {
 protected:
  BootOutcome& boot(OutcomeKind kind) {
    BootOutcome outcome;
    outcome.boot_id = "b" + std::to_string(boots_.size());
    if (!boots_.empty()) outcome.previous.boot_id = boots_.back().boot_id;
    outcome.outcome = kind;
    return boots_.emplace_back(std::move(outcome));
  }
  void crash(std::optional<std::uint64_t> uptime_s, const std::string& time = "", bool has_dump = true) {
    BootOutcome& outcome = boot(has_dump ? OutcomeKind::crash_and_dump : OutcomeKind::crash_without_dump);
    outcome.time = time;
    outcome.crash.emplace();
    outcome.crash->boot_id = outcome.previous.boot_id;
    outcome.crash->uptime_s = uptime_s;
    if (has_dump) outcome.dump = BootOutcome::Dump{.id = "dump-" + outcome.boot_id, .directory = "/d"};
  }
  void orderly(std::uint64_t lasted_s) { boot(OutcomeKind::no_crash).previous.lasted_s = lasted_s; }
  std::optional<CrashLoopRecord> loop(const std::string& since = "") const {
    return find_crash_loop(boots_, limits_, since);
  }

  const CrashLoopLimits limits_{.crashes = 3, .window_s = 3600};
  std::vector<BootOutcome> boots_;
};

TEST_F(CrashLoopTest, SoManyCrashesInSoShortATimeAreALoop) {
  crash(100'000);
  crash(60);
  EXPECT_FALSE(loop());
  crash(60);
  const auto found = loop();
  ASSERT_TRUE(found);
  EXPECT_EQ(found->crashes, 3U);
  EXPECT_EQ(found->boot_id, "b2");
  EXPECT_EQ(found->first_dump, "dump-b0") << "of the crash that began it, however long that boot had run";
}

TEST_F(CrashLoopTest, CrashesFarApartAreNone) {
  crash(10);
  crash(3000);
  crash(3000);
  EXPECT_FALSE(loop());
}

TEST_F(CrashLoopTest, AnOrderlyBootInBetweenCountsWithItsTime) {
  crash(10);
  orderly(600);
  crash(600);
  crash(600);
  EXPECT_TRUE(loop());
  boots_.clear();
  crash(10);
  orderly(4000);
  crash(600);
  crash(600);
  EXPECT_FALSE(loop());
}

TEST_F(CrashLoopTest, TheTimeASystemRanCountsNotTheClock) {
  crash(10, "2030-01-01T00:00:00Z");
  crash(10, "1970-01-01T00:00:01Z");
  crash(10, "2000-01-01T00:00:00Z");
  EXPECT_TRUE(loop());
}

TEST_F(CrashLoopTest, WithoutTheTimeTheClockIsAsked) {
  crash({}, "2025-01-31T12:00:00Z", false);
  crash({}, "2025-01-31T12:10:00Z", false);
  crash({}, "2025-01-31T12:20:00Z", false);
  EXPECT_TRUE(loop());
  EXPECT_EQ(loop()->first_dump, "");
  boots_[2].time = "2025-01-31T14:20:00Z";
  EXPECT_FALSE(loop());
}

TEST_F(CrashLoopTest, WhatIsNotKnownMakesNoLoop) {
  crash({}, "2025-01-31T12:00:00Z", false);
  crash({}, "2025-01-31T11:00:00Z", false);
  crash({}, "2025-01-31T10:00:00Z", false);
  EXPECT_FALSE(loop());
}

TEST_F(CrashLoopTest, UncleanShutdownsAreNoCrashes) {
  for (int i = 0; i < 5; ++i) boot(OutcomeKind::unclean_shutdown).previous.lasted_s = 10;
  EXPECT_FALSE(loop());
}

TEST_F(CrashLoopTest, ALoopIsFoundOnlyByABootThatCrashed) {
  for (int i = 0; i < 3; ++i) crash(10);
  orderly(10);
  EXPECT_FALSE(loop());
}

TEST_F(CrashLoopTest, CrashesBeforeTheEndOfALoopDoNotCountAgain) {
  for (int i = 0; i < 3; ++i) crash(10);
  ASSERT_TRUE(loop());
  crash(10);
  EXPECT_FALSE(loop("b2"));
  crash(10);
  crash(10);
  EXPECT_TRUE(loop("b2"));
}

TEST_F(CrashLoopTest, ALoopEndsWhenABootLastedLongerThanItsWindow) {
  for (int i = 0; i < 3; ++i) crash(10);
  const auto found = next_crash_loop({}, boots_, limits_);
  ASSERT_TRUE(found && found->stands);
  boot(OutcomeKind::unclean_shutdown);
  EXPECT_FALSE(next_crash_loop(found, boots_, limits_)) << "nobody knows how long it lasted";
  orderly(3599);
  EXPECT_FALSE(next_crash_loop(found, boots_, limits_));
  orderly(3600);
  const auto ended = next_crash_loop(found, boots_, limits_);
  ASSERT_TRUE(ended);
  EXPECT_FALSE(ended->stands);
  EXPECT_EQ(ended->boot_id, "b5");
}

TEST_F(CrashLoopTest, SwitchedOffThereAreNone) {
  for (int i = 0; i < 9; ++i) crash(1);
  EXPECT_FALSE(find_crash_loop(boots_, {.crashes = 0}, ""));
  const auto ended =
      next_crash_loop(CrashLoopRecord{.stands = true, .window_s = 3600}, boots_, {.crashes = 0});
  ASSERT_TRUE(ended);
  EXPECT_FALSE(ended->stands);
}

}  // namespace
}  // namespace warmdump::test
