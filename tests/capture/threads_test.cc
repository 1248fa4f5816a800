// However many threads compress: the same dump.

#include <gmock/gmock.h>

#include "common/file_device.h"
#include "tests/capture/dump_checks.h"
#include "tests/support/capture_program.h"
#include "tests/support/recipe_files.h"
#include "tests/support/temporary_directory.h"

namespace warmdump {
namespace {

TEST(Threads, MakeTheSameDump) {
  const test::TemporaryDirectory directory(test::TemporaryDirectory::Place::memory);
  const std::string text = test::recipe_text("linux_6_1") + "\ncontent 0x2000+0x2000 random\n";
  const auto recipe = synthetic::Recipe::parse(text);
  const auto truth = synthetic::build_vmcore(*recipe, directory.file("vmcore"));
  ASSERT_TRUE(truth.has_value()) << truth.error().message;

  std::uint64_t frames = 0;
  std::uint64_t bytes = 0;
  for (const char* threads : {"1", "2", "4", "0"}) {
    SCOPED_TRACE(threads);
    make_region_file(directory.file("region"), 128 * kMiB);
    const ProgramResult result =
        run_program(WARMDUMP_CAPTURE, {"--vmcore", directory.file("vmcore"), "--region",
                                       directory.file("region"), "--threads", threads, "--stats"});
    ASSERT_EQ(result.exit_code, 0) << result.errors;
    if (*threads == '2') {
      EXPECT_THAT(result.output, testing::HasSubstr("threads=2\n"));
    }

    FileDevice region;
    ASSERT_TRUE(region.open(directory.file("region").c_str(), FileDevice::Access::read_only).has_value());
    const auto dump = DumpReader::open(region);
    ASSERT_TRUE(dump.has_value()) << dump.error().message;
    expect_whole(*dump, *truth);
    if (frames == 0) frames = dump->header()->frame_count;
    if (bytes == 0) bytes = dump->header()->bytes_stored;
    EXPECT_EQ(dump->header()->frame_count, frames);
    EXPECT_EQ(dump->header()->bytes_stored, bytes);
  }
}

}  // namespace
}  // namespace warmdump
