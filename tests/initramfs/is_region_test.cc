// The program that udev asks, run on files.

#include <gtest/gtest.h>
#include <sys/wait.h>

#include <cstdlib>
#include <string>

#include "common/dump_format/dump_header.h"
#include "common/hosted/whole_file.h"
#include "tests/support/temporary_directory.h"

namespace warmdump {
namespace {

constexpr ByteCount kRegionSize = 8 * kMiB;

std::string region(ByteCount size_in_header) {
  dump_format::RegionHeader header = dump_format::make_header(4 * kGiB, size_in_header);
  dump_format::close_header(header);
  const std::string_view bytes(reinterpret_cast<const char*>(&header), sizeof header);
  std::string content(kRegionSize, '\0');
  content.replace(dump_format::kHeaderOffset, bytes.size(), bytes);
  content.replace(dump_format::kHeaderCopyOffset, bytes.size(), bytes);
  return content;
}

class IsRegion : public testing::Test {
 protected:
  int ask(const std::string& content) {
    const std::string file = (directory_.path() / "region").string();
    EXPECT_TRUE(write_whole_file(file, content).has_value());
    return run(file);
  }
  int run(const std::string& arguments) {
    const int status = std::system((WARMDUMP_IS_REGION " " + arguments + " 2> /dev/null").c_str());
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

  const test::TemporaryDirectory directory_;
};

TEST_F(IsRegion, knows_a_region_by_either_header) {
  std::string content = region(kRegionSize);
  EXPECT_EQ(ask(content), 0);
  std::string damaged = content;
  damaged[dump_format::kHeaderOffset + 100] ^= 1;
  EXPECT_EQ(ask(damaged), 0) << "the copy is whole";
  damaged[dump_format::kHeaderCopyOffset + 100] ^= 1;
  EXPECT_EQ(ask(damaged), 0) << "both are damaged, and a dump may still be behind them";
}

TEST_F(IsRegion, leaves_others_alone) {
  EXPECT_EQ(ask(std::string(kRegionSize, '\0')), 1);
  EXPECT_EQ(ask(std::string(kRegionSize, 'x')), 1);
  EXPECT_EQ(ask(std::string(4096, 'x')), 1) << "too small for one";
  EXPECT_EQ(ask(region(2 * kRegionSize)), 1) << "the start of a copy on another disk";
}

TEST_F(IsRegion, says_when_it_cannot_tell) {
  EXPECT_EQ(run((directory_.path() / "none").string()), 2);
  EXPECT_EQ(run(directory_.path().string()), 2);
  EXPECT_EQ(run(""), 2);
}

}  // namespace
}  // namespace warmdump
