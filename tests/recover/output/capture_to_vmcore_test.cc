// The whole way of a page: synthetic machine -> the real capture -> region -> dump directory -> vmcore as
// libkdumpfile reads it. Every page the recipe wants kept is there with its bytes, no other.

#include <gmock/gmock.h>

#ifdef HAVE_LIBKDUMPFILE

#include <algorithm>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include "common/file_device.h"
#include "recover/dump/dump_reader.h"
#include "recover/report/dump_directory.h"
#include "selftest/machine/vmcore_builder.h"
#include "tests/support/capture_program.h"
#include "tests/support/covered_bytes.h"
#include "tests/support/dump_builder.h"
#include "tests/support/kdump_file.h"
#include "tests/support/recipe_files.h"
#include "tests/support/temporary_directory.h"

namespace warmdump {
namespace {

constexpr unsigned kDumpLevel = 31;

class CaptureToVmcore : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    auto recipe = synthetic::Recipe::load(test::recipe_path(GetParam()));
    ASSERT_TRUE(recipe) << recipe.error().message;
    auto truth = synthetic::build_vmcore(*recipe, source_);
    ASSERT_TRUE(truth) << truth.error().message;
    truth_ = std::make_unique<synthetic::VmcoreTruth>(std::move(*truth));
    make_region_file(region_, 4 * kGiB);
    const ProgramResult result =
        run_program(WARMDUMP_CAPTURE, {"--vmcore", source_, "--region", region_, "--dump-level", "31"});
    ASSERT_EQ(result.exit_code, 0) << result.errors;
  }

  void expect_page(test::KdumpFile& file, Pfn pfn, bool kept) const {
    test::Page page;
    const kdump_status status = file.read(pfn, page);
    if (!kept) {
      ASSERT_EQ(status, KDUMP_ERR_NODATA) << std::hex << pfn;
      return;
    }
    ASSERT_EQ(status, KDUMP_OK) << std::hex << pfn << ": " << file.error();
    ASSERT_TRUE(std::ranges::equal(page, covered_bytes(*truth_, pfn))) << std::hex << pfn;
  }

  // Pages to be kept one by one; of the others, which may be a terabyte, the ends of each run.
  void expect_pages(test::KdumpFile& file) const {
    const auto& runs = truth_->classes().runs();
    for (auto run = runs.begin(); run != runs.end(); ++run) {
      const Pfn end = std::next(run) == runs.end() ? truth_->pfn_end : std::next(run)->first;
      if (run->first >= end) continue;
      if (truth_->is_kept(run->first, kDumpLevel)) {
        for (Pfn pfn = run->first; pfn < end; ++pfn) ASSERT_NO_FATAL_FAILURE(expect_page(file, pfn, true));
      } else {
        ASSERT_NO_FATAL_FAILURE(expect_page(file, run->first, false));
        ASSERT_NO_FATAL_FAILURE(expect_page(file, end - 1, false));
      }
    }
  }

  test::TemporaryDirectory directory_;
  std::string source_ = directory_ / "source";
  std::string region_ = directory_ / "region";
  std::unique_ptr<synthetic::VmcoreTruth> truth_;
};

TEST_P(CaptureToVmcore, EveryKeptPageArrives) {
  FileDevice region;
  ASSERT_TRUE(region.open(region_.c_str(), FileDevice::Access::read_only));
  const auto dump = DumpReader::open(region);
  ASSERT_TRUE(dump) << dump.error().message;
  EXPECT_FALSE(dump->damage().any());
  const auto output = directory_ / "dump";
  std::filesystem::create_directory(output);
  const auto summary = write_dump_directory(*dump, output, {});
  ASSERT_TRUE(summary) << summary.error().message;
  EXPECT_TRUE(summary->complete) << summary->completeness;
  EXPECT_EQ(summary->log_error, "");

  test::KdumpFile file(output / kVmcoreName);
  ASSERT_TRUE(file.is_open()) << file.error();
  expect_pages(file);
}

INSTANTIATE_TEST_SUITE_P(Recipes, CaptureToVmcore, testing::ValuesIn(test::recipe_names()),
                         [](const auto& parameter) { return parameter.param; });

}  // namespace
}  // namespace warmdump

#else

TEST(CaptureToVmcore, JudgedByLibkdumpfile) {
  GTEST_SKIP() << "libkdumpfile was not found when this was built: nobody independent read the dumps";
}

#endif
