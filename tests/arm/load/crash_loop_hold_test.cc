#include "arm/load/crash_loop_hold.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "tests/support/temporary_directory.h"

namespace warmdump {
namespace {

class CrashLoopHold : public testing::Test {
 protected:
  void SetUp() override {
    const CrashLoopRecord record{.stands = true, .boot_id = "found", .crashes = 3, .window_s = 3600};
    ASSERT_TRUE(store_crash_loop(record, path_));
  }
  bool is_held(std::uint64_t uptime_s, bool end_it = false) {
    const auto loop = standing_crash_loop(path_, "now", uptime_s, end_it);
    EXPECT_TRUE(loop.has_value());
    return loop.has_value() && loop->has_value();
  }

  test::TemporaryDirectory temporary_{test::TemporaryDirectory::Place::memory};
  const std::string path_ = temporary_.file("crash-loop.json");
};

TEST_F(CrashLoopHold, holds_until_a_boot_has_lasted_longer_than_the_window) {
  EXPECT_TRUE(is_held(0));
  EXPECT_TRUE(is_held(3599));
  EXPECT_FALSE(is_held(3600));
  EXPECT_FALSE(is_held(0)) << "what has ended does not come back";
  EXPECT_EQ((*read_crash_loop(path_))->boot_id, "now");
}

TEST_F(CrashLoopHold, ends_on_request) {
  EXPECT_FALSE(is_held(0, true));
  EXPECT_FALSE(is_held(0));
}

TEST_F(CrashLoopHold, without_a_record_nothing_holds) {
  std::filesystem::remove(path_);
  EXPECT_FALSE(is_held(0));
  EXPECT_FALSE(is_held(0, true));
  EXPECT_FALSE(std::filesystem::exists(path_));
}

TEST_F(CrashLoopHold, a_damaged_record_is_told) {
  std::ofstream(path_) << "{";
  EXPECT_FALSE(standing_crash_loop(path_, "now", 0, false).has_value());
}

}  // namespace
}  // namespace warmdump
