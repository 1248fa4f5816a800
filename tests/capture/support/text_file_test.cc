#include "capture/support/text_file.h"

#include <gtest/gtest.h>

#include <array>
#include <cerrno>
#include <fstream>

#include "tests/support/temporary_directory.h"

namespace warmdump {
namespace {

TEST(ReadTextFile, SaysWhenTheFileHasMoreThanTheBuffer) {
  const test::TemporaryDirectory directory;
  const std::string path = directory.file("text");
  std::array<char, 4> buffer{};
  const struct {
    const char* content;
    std::size_t size;
    bool is_cut;
  } cases[] = {{"", 0, false}, {"abc", 3, false}, {"abcd", 4, false}, {"abcde", 4, true}};
  for (const auto& test : cases) {
    std::ofstream(path) << test.content;
    const auto file = read_text_file(path.c_str(), buffer);
    ASSERT_TRUE(file.has_value());
    EXPECT_EQ(file->size, test.size) << test.content;
    EXPECT_EQ(file->is_cut, test.is_cut) << test.content;
  }
}

TEST(ReadTextFile, ReadsFilesWithoutASize) {
  std::array<char, 4096> buffer{};
  const auto file = read_text_file("/proc/self/stat", buffer);
  ASSERT_TRUE(file.has_value());
  EXPECT_GT(file->size, 10U);
}

TEST(ReadTextFile, NamesTheErrno) {
  std::array<char, 4> buffer{};
  const auto missing = read_text_file("/no/such/file", buffer);
  ASSERT_FALSE(missing.has_value());
  EXPECT_EQ(missing.error().system_errno, ENOENT);
  EXPECT_FALSE(read_text_file("/", buffer).has_value());
  EXPECT_FALSE(write_text_file("/no/such/file", "1").has_value());
}

}  // namespace
}  // namespace warmdump
