#include "capture/support/free_memory.h"

#include <gtest/gtest.h>

namespace warmdump {
namespace {

TEST(FreeMemory, the_least_is_kept) {
  dump_format::RegionHeader header{};
  note_free_memory({90 * kMiB, 40 * kMiB}, header);
  EXPECT_EQ(header.memory_total, 90 * kMiB);
  EXPECT_EQ(header.memory_free_min, 40 * kMiB);
  note_free_memory({90 * kMiB, 20 * kMiB}, header);
  note_free_memory({90 * kMiB, 30 * kMiB}, header);
  EXPECT_EQ(header.memory_free_min, 20 * kMiB);
  note_free_memory({90 * kMiB, 0}, header);
  EXPECT_EQ(header.memory_free_min, 1U) << "0 would mean that nobody looked";
}

TEST(FreeMemory, is_told_by_the_system) {
  const auto memory = free_memory();
  ASSERT_TRUE(memory.has_value());
  EXPECT_GT(memory->total, 0U);
  EXPECT_LE(memory->free, memory->total);
}

}  // namespace
}  // namespace warmdump
