// However many threads compress: the same dump.

#include <gmock/gmock.h>

#include "common/file_device.h"
#include "recover/dump/frame_scan.h"
#include "tests/capture/dump_checks.h"
#include "tests/support/capture_program.h"
#include "tests/support/recipe_files.h"
#include "tests/support/temporary_directory.h"

namespace warmdump {
namespace {

// Stored bytes of all frames of pages and class maps. Other frames tell how long things took, in more digits
// or fewer.
ByteCount bytes_of_pages(const Device& region, const DumpReader& dump) {
  ByteCount bytes = 0;
  const ScanTarget target{.dump_id = std::span(dump.header()->dump_id).first<8>(),
                          .scan_end = region.size(),
                          .frames_end_hint = 0,
                          .frame_count_hint = dump.header()->frame_count};
  const auto scanned = scan_frames(
      region, target, [&](const FrameLocation& frame, std::span<const std::byte> payload) -> Outcome<void> {
        const auto type = static_cast<dump_format::FrameType>(std::uint16_t{frame.header.type});
        const bool has_pages =
            type == dump_format::FrameType::pages || type == dump_format::FrameType::class_map;
        if (has_pages) bytes += payload.size();
        return {};
      });
  EXPECT_TRUE(scanned.has_value());
  return bytes;
}

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
    if (bytes == 0) bytes = bytes_of_pages(region, *dump);
    EXPECT_EQ(dump->header()->frame_count, frames);
    EXPECT_EQ(bytes_of_pages(region, *dump), bytes);
    EXPECT_GT(bytes, 16 * kMiB);
  }
}

}  // namespace
}  // namespace warmdump
