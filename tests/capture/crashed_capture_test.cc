// A capture that faults itself, at any moment: its header names the phase and the reason, and what it had
// flushed is a dump.

#include <gmock/gmock.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

#include "capture/capture_pipeline.h"
#include "capture/crash_kernel/fatal_signals.h"
#include "capture/writer/region_check.h"
#include "recover/dump/dump_reader.h"
#include "selftest/machine/vmcore_builder.h"
#include "tests/support/capture_program.h"
#include "tests/support/covered_bytes.h"
#include "tests/support/recipe_files.h"
#include "tests/support/temporary_directory.h"

namespace warmdump {
namespace {

using dump_format::Phase;
using dump_format::State;

constexpr int kLastAct = 42;

FileDevice vmcore_file;
FileDevice region_file;
CaptureReport report;

// Faults at its n-th beat.
struct FaultyHeartbeat final : Heartbeat {
  void beat() override {
    if (--beats_left == 0) ::raise(SIGSEGV);
  }
  unsigned beats_left = 0;
};
FaultyHeartbeat heartbeat;

int capture_and_fault(const std::string& vmcore, const std::string& region, unsigned beats) {
  make_region_file(region, 64 * kMiB);
  const pid_t child = ::fork();
  if (child == 0) {
    handle_fatal_signals(record_crash, [] { ::_exit(kLastAct); });
    if (!vmcore_file.open(vmcore.c_str(), FileDevice::Access::read_only).has_value()) ::_exit(2);
    if (!region_file.open(region.c_str(), FileDevice::Access::read_write).has_value()) ::_exit(3);
    region_file.skip_persist();
    const auto header =
        check_region(region_file, {.start = 0, .must_be_formatted = false, .overwrite = false});
    if (!header.has_value()) ::_exit(4);
    heartbeat.beats_left = beats;
    CaptureRequest request;
    request.heartbeat = &heartbeat;
    ::_exit(capture_vmcore(vmcore_file, region_file, *header, request, report).has_value() ? 0 : 5);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST(CrashedCapture, LeavesPhaseReasonAndWhatItHadFlushed) {
#if defined(__SANITIZE_ADDRESS__)
  GTEST_SKIP() << "the sanitizers of this build handle faults themselves";
#endif
  const test::TemporaryDirectory directory(test::TemporaryDirectory::Place::memory);
  const std::string vmcore = directory.file("vmcore");
  const std::string region_path = directory.file("region");
  const auto recipe =
      synthetic::Recipe::parse(test::recipe_text("linux_6_1") + "\ncontent 0x2000+0x1000 random\n");
  ASSERT_TRUE(recipe.has_value()) << recipe.error().message;
  const auto truth = synthetic::build_vmcore(*recipe, vmcore);
  ASSERT_TRUE(truth.has_value()) << truth.error().message;

  unsigned faults = 0;
  for (unsigned beats = 1;; beats += 1 + beats / 3) {
    const int outcome = capture_and_fault(vmcore, region_path, beats);
    if (outcome == 0) break;
    ASSERT_EQ(outcome, kLastAct);
    ++faults;
    FileDevice region;
    ASSERT_TRUE(region.open(region_path.c_str(), FileDevice::Access::read_only).has_value());
    const auto dump = DumpReader::open(region);
    ASSERT_TRUE(dump.has_value()) << dump.error().message;
    ASSERT_TRUE(dump->header().has_value());
    // In the very last check of the header the dump is closed already.
    if (dump->header()->phase == static_cast<std::uint32_t>(Phase::finished)) continue;
    EXPECT_EQ(dump->header()->state, static_cast<std::uint32_t>(State::writing));
    EXPECT_EQ(dump->header()->error_code, static_cast<std::uint32_t>(ErrorCode::crashed));
    EXPECT_EQ(dump->header()->system_errno, static_cast<std::uint32_t>(EFAULT));
    EXPECT_GE(dump->header()->phase, static_cast<std::uint32_t>(Phase::notes));
    EXPECT_FALSE(dump->end().has_value());
    PageReader reader(*dump);
    std::array<std::byte, kPageSize> page;
    for (const IndexedRun& run : dump->pages().runs()) {
      for (Pfn pfn = run.first_pfn; pfn < run.pfn_end(); pfn += 7) {
        ASSERT_TRUE(*reader.read(pfn, page));
        ASSERT_TRUE(std::ranges::equal(page, covered_bytes(*truth, pfn))) << pfn;
      }
    }
  }
  EXPECT_GT(faults, 5U);
}

TEST(CrashedCapture, ThereMayBeNoCaptureToRecordItIn) {
  record_crash(fatal_signal_error(SIGBUS));
}

}  // namespace
}  // namespace warmdump
