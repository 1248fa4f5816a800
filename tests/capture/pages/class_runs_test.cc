#include "capture/pages/class_runs.h"

#include <gtest/gtest.h>

#include <vector>

namespace warmdump {
namespace {

TEST(RunEnd, FindsEveryEndAtEveryOffset) {
  for (std::size_t size = 1; size <= 40; ++size) {
    for (std::size_t from = 0; from < size; ++from) {
      for (std::size_t end = from + 1; end <= size; ++end) {
        std::vector<std::uint8_t> values(size, 7);
        for (std::size_t i = 0; i < from; ++i) values[i] = 9;
        if (end < size) values[end] = 8;
        EXPECT_EQ(run_end(std::span<const std::uint8_t>(values), from), end);
      }
    }
  }
}

TEST(RunEnd, TakesValuesWithTheTopBit) {
  const std::vector<std::uint8_t> values(33, 0xff);
  EXPECT_EQ(run_end(std::span<const std::uint8_t>(values), 0), 33U);
}

}  // namespace
}  // namespace warmdump
