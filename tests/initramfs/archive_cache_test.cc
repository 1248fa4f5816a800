#include "initramfs/archive_cache.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "common/hosted/whole_file.h"
#include "tests/support/temporary_directory.h"

namespace warmdump {
namespace {

class ArchiveCacheTest : public testing::Test {
 protected:
  const test::TemporaryDirectory directory_;
  const ArchiveCache cache_{directory_.file("cache")};
};

TEST_F(ArchiveCacheTest, gives_back_what_was_stored) {
  EXPECT_FALSE(cache_.find("key").has_value());
  const std::string archive("a\0b\n", 4);
  ASSERT_TRUE(cache_.store("key", archive).has_value());
  EXPECT_EQ(cache_.find("key"), archive);
  EXPECT_FALSE(cache_.find("other").has_value());
}

TEST_F(ArchiveCacheTest, a_damaged_entry_is_none) {
  ASSERT_TRUE(cache_.store("key", "archive").has_value());
  const std::string path = directory_.file("cache/key.archive");
  const std::string whole = *read_whole_file(path, 4096);
  for (std::size_t i = 0; i < whole.size(); ++i) {
    std::string damaged = whole;
    damaged[i] = static_cast<char>(damaged[i] ^ 1);
    ASSERT_TRUE(write_whole_file(path, damaged).has_value());
    EXPECT_FALSE(cache_.find("key").has_value()) << i;
    ASSERT_TRUE(write_whole_file(path, whole.substr(0, i)).has_value());
    EXPECT_FALSE(cache_.find("key").has_value()) << i;
  }
}

TEST_F(ArchiveCacheTest, only_the_newest_are_kept) {
  for (int i = 0; i < 9; ++i) ASSERT_TRUE(cache_.store("key" + std::to_string(i), "archive").has_value());
  EXPECT_TRUE(cache_.find("key8").has_value());
  const std::filesystem::directory_iterator entries(directory_.file("cache"));
  EXPECT_EQ(std::distance(begin(entries), end(entries)), 4);
}

TEST_F(ArchiveCacheTest, a_place_that_cannot_be_written_is_a_failure) {
  const ArchiveCache cache("/proc/cache");
  EXPECT_FALSE(cache.store("key", "archive").has_value());
}

}  // namespace
}  // namespace warmdump
