// A capture that meets its deadline, at every moment it may: it closes the dump in order, and what is in it
// is true.

#include <gmock/gmock.h>
#include <sys/wait.h>
#include <unistd.h>

#include "capture/capture_pipeline.h"
#include "capture/writer/region_check.h"
#include "recover/dump/dump_reader.h"
#include "selftest/machine/vmcore_builder.h"
#include "tests/support/capture_program.h"
#include "tests/support/covered_bytes.h"
#include "tests/support/manual_clock.h"
#include "tests/support/recipe_files.h"
#include "tests/support/temporary_directory.h"

namespace warmdump {
namespace {

using dump_format::Completeness;
using dump_format::State;

FileDevice vmcore_file;
FileDevice region_file;
CaptureReport report;

class DeadlineCapture : public testing::Test {
 protected:
  void SetUp() override {
    const std::string text = test::recipe_text("linux_6_1") + "\ncontent 0x2000+0x1000 random\n";
    const auto recipe = synthetic::Recipe::parse(text);
    ASSERT_TRUE(recipe.has_value()) << recipe.error().message;
    auto truth = synthetic::build_vmcore(*recipe, vmcore_);
    ASSERT_TRUE(truth.has_value()) << truth.error().message;
    truth_ = std::make_unique<synthetic::VmcoreTruth>(std::move(*truth));
  }

  // Captures with a deadline that passes when the capture looks at the clock for the `looks`-th time. In a
  // process of its own: a capture is made once in the life of a program. 0: the capture reports what it
  // should.
  int capture_with(std::uint64_t looks) {
    make_region_file(region_, 64 * kMiB);
    const pid_t child = ::fork();
    if (child == 0) {
      test::ManualClock clock;
      clock.step_ms = 1;
      if (!vmcore_file.open(vmcore_.c_str(), FileDevice::Access::read_only).has_value()) ::_exit(2);
      if (!region_file.open(region_.c_str(), FileDevice::Access::read_write).has_value()) ::_exit(3);
      region_file.skip_persist();
      const auto header =
          check_region(region_file, {.start = 0, .must_be_formatted = false, .overwrite = false});
      if (!header.has_value()) ::_exit(4);
      CaptureRequest request;
      request.deadline = Deadline(clock, 0, looks);
      if (!capture_vmcore(vmcore_file, region_file, *header, request, report).has_value()) ::_exit(5);
      ::_exit(report.completeness == Completeness::complete ? 0 : 1);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

  test::TemporaryDirectory directory_{test::TemporaryDirectory::Place::memory};
  std::string vmcore_ = directory_.file("vmcore");
  std::string region_ = directory_.file("region");
  std::unique_ptr<synthetic::VmcoreTruth> truth_;
};

TEST_F(DeadlineCapture, ClosesTheDumpInOrderWheneverItPasses) {
  PageCount last_stored = 0;
  std::uint64_t cut = 0;
  for (std::uint64_t looks = 1; looks < 100'000; looks += 1 + looks / 4) {
    const int outcome = capture_with(looks);
    ASSERT_TRUE(outcome == 0 || outcome == 1) << outcome;
    FileDevice region;
    ASSERT_TRUE(region.open(region_.c_str(), FileDevice::Access::read_only).has_value());
    const auto dump = DumpReader::open(region);
    ASSERT_TRUE(dump.has_value()) << dump.error().message;
    ASSERT_TRUE(dump->header().has_value() && dump->end().has_value());
    EXPECT_FALSE(dump->damage().any());
    EXPECT_FALSE(dump->vmcoreinfo().whole_text().empty())
        << "the notes come first, whatever the deadline says";
    EXPECT_FALSE(dump->segments().empty());

    PageCount stored = 0;
    PageReader reader(*dump);
    std::array<std::byte, kPageSize> page;
    for (const IndexedRun& run : dump->pages().runs()) {
      stored += run.pfn_count;
      for (Pfn pfn = run.first_pfn; pfn < run.pfn_end(); pfn += 7) {
        ASSERT_TRUE(*reader.read(pfn, page));
        ASSERT_TRUE(std::ranges::equal(page, covered_bytes(*truth_, pfn))) << pfn;
      }
    }
    EXPECT_GE(stored, last_stored) << "more time, no more pages";
    last_stored = stored;
    if (outcome == 0) {
      EXPECT_EQ(dump->header()->state, static_cast<std::uint32_t>(State::complete));
      EXPECT_GT(cut, 5U);
      return;
    }
    ++cut;
    EXPECT_EQ(dump->header()->state, static_cast<std::uint32_t>(State::partial));
    EXPECT_EQ(dump->header()->error_code, static_cast<std::uint32_t>(ErrorCode::timed_out));
    EXPECT_EQ(dump->end()->completeness, static_cast<std::uint32_t>(Completeness::deadline));
  }
  FAIL() << "no deadline was long enough";
}

TEST_F(DeadlineCapture, TheProgramTakesOne) {
  make_region_file(region_, 64 * kMiB);
  const ProgramResult done =
      run_program(WARMDUMP_CAPTURE, {"--vmcore", vmcore_, "--region", region_, "--deadline", "1000"});
  EXPECT_EQ(done.exit_code, 0) << done.errors;
}

}  // namespace
}  // namespace warmdump
