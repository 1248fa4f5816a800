#include "cli/progress.h"

#include <gtest/gtest.h>

namespace warmdump {
namespace {

using std::chrono::seconds;

TEST(Progress, Bytes) {
  EXPECT_EQ(bytes_text(0), "0 B");
  EXPECT_EQ(bytes_text(1023), "1023 B");
  EXPECT_EQ(bytes_text(1024), "1.0 KiB");
  EXPECT_EQ(bytes_text(1024 * 1024 - 1), "1.0 MiB");
  EXPECT_EQ(bytes_text(22544384), "21.5 MiB");
  EXPECT_EQ(bytes_text(~std::uint64_t{0}), "16777216.0 TiB");
}

TEST(Progress, Durations) {
  EXPECT_EQ(duration_text(seconds(0)), "0 s");
  EXPECT_EQ(duration_text(seconds(59)), "59 s");
  EXPECT_EQ(duration_text(seconds(200)), "3 min 20 s");
  EXPECT_EQ(duration_text(seconds(7500)), "2 h 5 min");
}

TEST(Progress, Lines) {
  constexpr std::uint64_t kMebi = 1024 * 1024;
  EXPECT_EQ(progress_text("sending", 10 * kMebi, 40 * kMebi, seconds(5), 20),
            "sending    25 % [#####---------------] 10.0 MiB of 40.0 MiB  2.0 MiB/s  15 s left");
  EXPECT_EQ(progress_text("sending", 40 * kMebi, 40 * kMebi, seconds(20), 0),
            "sending   100 % 40.0 MiB of 40.0 MiB  2.0 MiB/s");
  EXPECT_EQ(progress_text("sending", 0, 40 * kMebi, seconds(0), 4), "sending     0 % [----] 0 B of 40.0 MiB");
  EXPECT_EQ(progress_text("reading", 2048, 0, seconds(2), 20), "reading   2.0 KiB  1.0 KiB/s");
  EXPECT_EQ(progress_text("reading", 50, 40, seconds(0), 0), "reading   100 % 40 B of 40 B");
}

TEST(Progress, bytes_of_an_earlier_run_count_for_the_share_and_not_for_the_rate) {
  constexpr std::uint64_t kMebi = 1024 * 1024;
  EXPECT_EQ(progress_text("sending", 30 * kMebi, 40 * kMebi, seconds(5), 0, 20 * kMebi),
            "sending    75 % 30.0 MiB of 40.0 MiB  2.0 MiB/s  5 s left");
  EXPECT_EQ(progress_text("sending", 20 * kMebi, 40 * kMebi, seconds(5), 0, 20 * kMebi),
            "sending    50 % 20.0 MiB of 40.0 MiB");
}

}  // namespace
}  // namespace warmdump
