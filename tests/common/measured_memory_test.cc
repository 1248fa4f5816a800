#include "common/hosted/measured_memory.h"

#include <gmock/gmock.h>
#include <sys/stat.h>

#include "common/hosted/whole_file.h"
#include "tests/support/temporary_directory.h"

namespace warmdump {
namespace {

using testing::HasSubstr;

MeasuredMemory use_of(const std::string& kernel, ByteCount used, ByteCount given = 256 * kMiB) {
  return {
      .crash_kernel = kernel, .given = given, .free_min = given - used, .boot_id = "b", .crash_time_s = 7};
}

TEST(MeasuredMemory, is_read_as_it_was_written) {
  const auto read = parse_measured_memory(measured_memory_text(use_of("6.1", 80 * kMiB)), "file");
  ASSERT_TRUE(read.has_value()) << read.error().message;
  EXPECT_EQ(read->crash_kernel, "6.1");
  EXPECT_EQ(read->used(), 80 * kMiB);
  EXPECT_EQ(read->given, 256 * kMiB);
  EXPECT_EQ(read->boot_id, "b");
  EXPECT_EQ(read->crash_time_s, 7U);
}

TEST(MeasuredMemory, nonsense_is_refused) {
  const std::string good = measured_memory_text(use_of("6.1", 80 * kMiB));
  std::string newer = good;
  newer.replace(newer.find("\"schema\":1"), 10, "\"schema\":2");
  EXPECT_EQ(parse_measured_memory(newer, "file").error().code, ErrorCode::unsupported);
  for (const std::string& text :
       {std::string(), std::string("[]"), std::string("{\"schema\":1}"), good.substr(0, good.size() / 2),
        measured_memory_text(use_of("6.1", 0)), measured_memory_text(use_of("6.1", 0, 0))}) {
    const auto read = parse_measured_memory(text, "file");
    ASSERT_FALSE(read.has_value()) << text;
    EXPECT_EQ(read.error().code, ErrorCode::corrupt);
    EXPECT_THAT(read.error().message, HasSubstr("file is damaged"));
  }
}

TEST(MeasuredMemory, the_larger_use_of_a_kernel_stays) {
  const test::TemporaryDirectory directory;
  const std::string path = directory.path().string() + "/state/measured.json";
  EXPECT_FALSE(read_measured_memory(path)->has_value());
  EXPECT_TRUE(*store_measured_memory(use_of("6.1", 80 * kMiB), path));
  struct stat status {};
  ASSERT_EQ(::stat((directory.path().string() + "/state").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0700U);
  EXPECT_FALSE(*store_measured_memory(use_of("6.1", 70 * kMiB, 100 * kMiB), path));
  EXPECT_EQ((*read_measured_memory(path))->used(), 80 * kMiB);
  EXPECT_TRUE(*store_measured_memory(use_of("6.1", 90 * kMiB), path));
  EXPECT_TRUE(*store_measured_memory(use_of("6.12", 60 * kMiB), path));
  EXPECT_EQ((*read_measured_memory(path))->used(), 60 * kMiB);
  ASSERT_TRUE(write_whole_file(path, "damaged").has_value());
  EXPECT_FALSE(read_measured_memory(path).has_value());
  EXPECT_TRUE(*store_measured_memory(use_of("6.12", 60 * kMiB), path)) << "a damaged one is replaced";
}

}  // namespace
}  // namespace warmdump
