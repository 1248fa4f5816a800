#include "recover/report/measured_run.h"

#include <gmock/gmock.h>

#include "common/hosted/dump_directory_names.h"
#include "common/hosted/whole_file.h"
#include "recover/report/meta_json.h"
#include "tests/support/temporary_directory.h"

namespace warmdump {
namespace {

DumpSummary measured_dump() {
  DumpSummary dump;
  dump.complete = true;
  dump.crash_time_s = 5;
  dump.capture_info = {{"boot_id", "b"}, {kCrashKernelInfo, "6.1"}, {kCrashMemoryInfo, "100663296"}};
  dump.region.memory_total = 46 * kMiB;
  dump.region.memory_free_min = 28 * kMiB;
  return dump;
}

TEST(MeasuredRun, is_what_was_given_less_what_stayed_free) {
  const auto measured = measured_run(measured_dump());
  ASSERT_TRUE(measured.has_value());
  EXPECT_EQ(measured->crash_kernel, "6.1");
  EXPECT_EQ(measured->used(), 68 * kMiB);
  EXPECT_EQ(measured->boot_id, "b");
}

TEST(MeasuredRun, is_none_where_anything_is_missing) {
  std::vector<DumpSummary> dumps(6, measured_dump());
  dumps[0].complete = false;
  dumps[1].capture_info.erase(kCrashMemoryInfo);
  dumps[2].capture_info[kCrashMemoryInfo] = "96M";
  dumps[3].capture_info.erase(kCrashKernelInfo);
  dumps[4].region.memory_free_min = 0;
  dumps[5].region.memory_total = 97 * kMiB;  // memory from elsewhere
  for (std::size_t i = 0; i < dumps.size(); ++i) EXPECT_FALSE(measured_run(dumps[i]).has_value()) << i;
}

TEST(MeasuredRun, is_kept_from_a_dump_directory) {
  const test::TemporaryDirectory directory;
  const std::string meta = directory.path().string() + "/" + std::string(kMetaName);
  const std::string path = directory.path().string() + "/measured.json";
  EXPECT_FALSE(record_measured_run(directory.path(), path).has_value()) << "no meta.json";
  DumpSummary partial = measured_dump();
  partial.complete = false;
  ASSERT_TRUE(write_whole_file(meta, to_json(partial)).has_value());
  ASSERT_TRUE(record_measured_run(directory.path(), path).has_value());
  EXPECT_FALSE(read_measured_memory(path)->has_value());
  ASSERT_TRUE(write_whole_file(meta, to_json(measured_dump())).has_value());
  ASSERT_TRUE(record_measured_run(directory.path(), path).has_value());
  EXPECT_EQ((*read_measured_memory(path))->used(), 68 * kMiB);
}

}  // namespace
}  // namespace warmdump
