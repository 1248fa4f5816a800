// A region too small for the dump: what fits is there in order of value, what is missing is told exactly.

#include <gmock/gmock.h>

#include "common/file_device.h"
#include "recover/dump_reader.h"
#include "tests/support/capture_program.h"
#include "tests/support/covered_bytes.h"
#include "tests/support/recipe_files.h"
#include "tests/support/temporary_directory.h"
#include "tests/support/vmcore_builder.h"

namespace warmdump {
namespace {

using dump_format::BlobKind;
using dump_format::Completeness;
using dump_format::PageClass;
using dump_format::State;
using testing::HasSubstr;

class SmallRegion : public testing::TestWithParam<ByteCount> {};

TEST_P(SmallRegion, HoldsAValidPartialDump) {
  const test::TemporaryDirectory directory;
  const std::string text = test::recipe_text("linux_6_1") + "\ncontent 0x2000+0x2000 random\n";
  const auto recipe = synthetic::Recipe::parse(text);
  ASSERT_TRUE(recipe.has_value()) << recipe.error().message;
  const auto truth = synthetic::build_vmcore(*recipe, directory.file("vmcore"));
  ASSERT_TRUE(truth.has_value()) << truth.error().message;

  make_region_file(directory.file("region"), GetParam());
  const ProgramResult result = run_program(
      WARMDUMP_CAPTURE, {"--vmcore", directory.file("vmcore"), "--region", directory.file("region")});
  EXPECT_EQ(result.exit_code, 3);
  EXPECT_THAT(result.errors, HasSubstr("PARTIAL"));

  FileDevice region;
  ASSERT_TRUE(region.open(directory.file("region").c_str(), FileDevice::Access::read_only).has_value());
  const auto dump = DumpReader::open(region);
  ASSERT_TRUE(dump.has_value()) << dump.error().message;
  ASSERT_TRUE(dump->header().has_value());
  EXPECT_EQ(dump->header()->state, static_cast<std::uint32_t>(State::partial));
  ASSERT_TRUE(dump->end().has_value()) << "room for the end frame is kept";
  EXPECT_EQ(dump->end()->completeness, static_cast<std::uint32_t>(Completeness::region_full));
  EXPECT_FALSE(dump->damage().any());
  EXPECT_FALSE(dump->vmcoreinfo().whole_text().empty());

  PageCount stored = 0;
  for (const IndexedRun& run : dump->pages().runs()) stored += run.pfn_count;
  PageCount to_keep = 0;
  for (Pfn pfn = 0; pfn < truth->pfn_end; ++pfn) to_keep += truth->is_kept(pfn, 31) ? 1U : 0U;
  EXPECT_EQ(dump->header()->pages_lost, to_keep - stored);

  PageReader reader(*dump);
  std::array<std::byte, kPageSize> page;
  for (const IndexedRun& run : dump->pages().runs()) {
    for (Pfn pfn = run.first_pfn; pfn < run.pfn_end(); ++pfn) {
      ASSERT_TRUE(*reader.read(pfn, page));
      ASSERT_TRUE(std::ranges::equal(page, covered_bytes(*truth, pfn))) << pfn;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(, SmallRegion, testing::Values(4 * kMiB, 5 * kMiB, 12 * kMiB, 20 * kMiB),
                         [](const auto& parameter) {
                           return std::to_string(parameter.param / kMiB) + "MiB";
                         });

}  // namespace
}  // namespace warmdump
