#include "arm/load/rearming.h"

#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <thread>

#include "common/hosted/file_lock.h"
#include "tests/support/temporary_directory.h"

namespace warmdump {
namespace {

using std::chrono::milliseconds;

class RearmingTest : public testing::Test {
 protected:
  void event() const { std::ofstream(directory_.file("rearm-wanted")) << 'x'; }
  Outcome<Rearming> rearm(const std::function<Outcome<void>()>& reload,
                          milliseconds quiet = milliseconds(1)) const {
    return rearm_when_quiet(directory_.path(), quiet, reload);
  }
  bool wanted() const { return std::filesystem::exists(directory_.file("rearm-wanted")); }

  const test::TemporaryDirectory directory_{test::TemporaryDirectory::Place::memory};
};

TEST_F(RearmingTest, one_event_is_one_reload) {
  event();
  const auto rearming = rearm([] { return Outcome<void>(); });
  ASSERT_TRUE(rearming.has_value());
  EXPECT_EQ(rearming->reloads, 1U);
  EXPECT_FALSE(wanted());
}

TEST_F(RearmingTest, an_event_during_the_reload_makes_another) {
  event();
  unsigned reloads = 0;
  const auto rearming = rearm([&] {
    if (++reloads == 1) event();
    EXPECT_EQ(wanted(), reloads == 1);
    return Outcome<void>();
  });
  ASSERT_TRUE(rearming.has_value());
  EXPECT_EQ(reloads, 2U);
}

TEST_F(RearmingTest, who_comes_while_another_is_at_it_leaves) {
  event();
  const auto lock = FileLock::take(directory_.file("rearm.lock"));
  const auto rearming = rearm([] { return Outcome<void>(Failure(ErrorCode::io, "must not be called")); });
  ASSERT_TRUE(rearming.has_value());
  EXPECT_TRUE(rearming->left_to_another);
  EXPECT_TRUE(wanted());
}

TEST_F(RearmingTest, a_storm_is_few_reloads_and_the_last_event_is_followed_by_one) {
  std::atomic<unsigned> events = 0;
  std::atomic<unsigned> reloads = 0;
  std::atomic<unsigned> events_seen = 0;
  std::vector<std::thread> programs;
  for (unsigned i = 0; i < 64; ++i) {
    programs.emplace_back([&] {
      ++events;
      event();
      EXPECT_TRUE(rearm(
                      [&] {
                        ++reloads;
                        events_seen = events.load();
                        return Outcome<void>();
                      },
                      milliseconds(20))
                      .has_value());
    });
  }
  for (std::thread& program : programs) program.join();
  EXPECT_EQ(events_seen, 64U);
  EXPECT_LE(reloads, 8U);  // 1 or 2 on an idle machine; 64 without coalescing
  EXPECT_FALSE(wanted());
}

TEST_F(RearmingTest, events_without_end_do_not_put_it_off_for_ever) {
  std::atomic<bool> stop = false;
  std::thread events([&] {
    while (!stop) event();
  });
  std::atomic<unsigned> reloads = 0;
  const auto rearming = rearm([&] {
    ++reloads;
    stop = true;
    return Outcome<void>();
  });
  events.join();
  EXPECT_TRUE(rearming.has_value());
  EXPECT_GE(reloads, 1U);
}

TEST_F(RearmingTest, a_failing_reload_is_told) {
  event();
  const auto rearming = rearm([] { return Outcome<void>(Failure(ErrorCode::refused, "not safe")); });
  ASSERT_FALSE(rearming.has_value());
  EXPECT_EQ(rearming.error().message, "not safe");
}

}  // namespace
}  // namespace warmdump
