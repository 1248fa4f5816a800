// The real program, killed at every write, or with a write that was cut anywhere or of which any of its
// sectors arrived, or that failed: what was flushed is in the dump, every page of it is right, what is
// missing is told, and the header says where it ended.

#include <gmock/gmock.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <functional>
#include <random>
#include <set>
#include <vector>

#include "common/dump_format/dump_header.h"
#include "common/file_device.h"
#include "recover/dump/page_walk.h"
#include "tests/capture/dump_checks.h"
#include "tests/support/capture_program.h"
#include "tests/support/recipe_files.h"
#include "tests/support/temporary_directory.h"

namespace warmdump {
namespace {

using namespace dump_format;

// What becomes of one pwrite64(2) of the program.
enum class Fate { untouched, killed_before, killed_after, killed_when_cut, killed_when_torn, fails };

constexpr std::size_t kSector = 512;

struct Ending {
  bool was_killed = false;
  int exit_code = -1;
  unsigned writes = 0;
};

class KilledCapture : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    directory_ = new test::TemporaryDirectory(test::TemporaryDirectory::Place::memory);
    const std::string text = test::recipe_text("linux_6_1") + "\ncontent 0x2000+0x400 random\n";
    const auto recipe = synthetic::Recipe::parse(text);
    auto truth = synthetic::build_vmcore(*recipe, directory_->file("vmcore"));
    ASSERT_TRUE(truth.has_value()) << truth.error().message;
    truth_ = new synthetic::VmcoreTruth(std::move(*truth));
    kept_ = kept_pages(*truth_);
  }
  static void TearDownTestSuite() {
    delete truth_;
    delete directory_;
  }

  // Runs the program on a fresh region; its n-th pwrite64 (from 1) meets `fate`, `seed` says where it is cut
  // or which sectors arrive.
  static Ending run(unsigned n, Fate fate, unsigned seed = 0, int error = EIO) {
    make_region_file(region_path(), 32 * kMiB);
    const std::string vmcore = directory_->file("vmcore");
    const std::string region = region_path();
    const pid_t child = ::fork();
    if (child == 0) {
      ::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr);
      ::close(STDERR_FILENO);
      ::setenv("ASAN_OPTIONS", "detect_leaks=0", 1);  // the leak sanitizer fails under a tracer
      ::execl(WARMDUMP_CAPTURE, WARMDUMP_CAPTURE, "--vmcore", vmcore.c_str(), "--region", region.c_str(),
              static_cast<char*>(nullptr));
      ::_exit(127);
    }
    Ending ending;
    int status = 0;
    ::waitpid(child, &status, 0);
    if (!WIFSTOPPED(status)) return ending;
    ::ptrace(PTRACE_SETOPTIONS, child, nullptr, PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL);
    for (bool is_entry = true;; is_entry = !is_entry) {
      ::ptrace(PTRACE_SYSCALL, child, nullptr, nullptr);
      ::waitpid(child, &status, 0);
      if (WIFEXITED(status) || WIFSIGNALED(status)) break;
      user_regs_struct registers{};
      ::ptrace(PTRACE_GETREGS, child, nullptr, &registers);
      if (!is_entry || registers.orig_rax != SYS_pwrite64 || ++ending.writes != n) continue;
      if (fate == Fate::killed_when_cut)
        registers.rdx = std::mt19937(seed)() % (registers.rdx / kSector + 1) * kSector;
      if (fate == Fate::killed_when_torn) store_some_sectors(child, registers, seed);
      if (fate == Fate::fails) registers.orig_rax = ~0ULL;  // no such call: it is not made
      ::ptrace(PTRACE_SETREGS, child, nullptr, &registers);
      if (fate != Fate::killed_before && fate != Fate::killed_when_torn) {
        ::ptrace(PTRACE_SYSCALL, child, nullptr, nullptr);
        ::waitpid(child, &status, 0);
        is_entry = false;
      }
      if (fate == Fate::fails) {
        ::ptrace(PTRACE_GETREGS, child, nullptr, &registers);
        registers.rax = static_cast<unsigned long long>(-static_cast<long long>(error));
        ::ptrace(PTRACE_SETREGS, child, nullptr, &registers);
        continue;
      }
      ::kill(child, SIGKILL);
    }
    ending.was_killed = WIFSIGNALED(status);
    if (WIFEXITED(status)) ending.exit_code = WEXITSTATUS(status);
    return ending;
  }

  // Of the pwrite64 that `writer` is about to make, writes each sector or leaves it out, as it falls.
  static void store_some_sectors(pid_t writer, const user_regs_struct& registers, unsigned seed) {
    std::vector<std::byte> bytes(registers.rdx);
    const iovec local{bytes.data(), bytes.size()};
    const iovec remote{reinterpret_cast<void*>(registers.rsi), bytes.size()};
    ASSERT_EQ(::process_vm_readv(writer, &local, 1, &remote, 1, 0), static_cast<ssize_t>(bytes.size()));
    FileDevice region;
    ASSERT_TRUE(region.open(region_path().c_str(), FileDevice::Access::read_write).has_value());
    std::mt19937 random(seed);
    for (std::size_t at = 0; at < bytes.size(); at += kSector) {
      if (random() % 2 == 0) continue;
      const auto sector = std::span(bytes).subspan(at, std::min(kSector, bytes.size() - at));
      ASSERT_TRUE(region.write_at(registers.r10 + at, sector).has_value());
    }
  }

  static std::string region_path() { return directory_->file("region"); }

  // What every region must be after a capture that ended somehow: readable up to where it was flushed, true,
  // and with an exact account of what is missing. Empty when not even a header was written.
  static std::optional<RegionHeader> expect_true_dump() {
    FileDevice region;
    EXPECT_TRUE(region.open(region_path().c_str(), FileDevice::Access::read_only).has_value());
    std::array<std::byte, kHeaderSize> buffer;
    const auto header = read_header(region, buffer);
    if (!header.has_value()) {  // one of which a part arrived is nothing either
      EXPECT_THAT(header.error().code, testing::AnyOf(ErrorCode::not_found, ErrorCode::corrupt));
      return {};
    }
    const auto dump = DumpReader::open(region);
    if (!dump.has_value()) {
      ADD_FAILURE() << dump.error().message;
      return *header;
    }
    EXPECT_GE(dump->damage().scan.first_damage.value_or(region.size()), header->frames_end)
        << "frames the header speaks of are whole";
    EXPECT_GE(dump->damage().scan.frames, header->frame_count);
    const PageCount stored = expect_true_pages(*dump, *truth_);
    EXPECT_GE(stored, header->pages_data + header->pages_zero);
    expect_exact_account(*dump, stored);
    return *header;
  }

  // Lost are exactly the pages that were to be kept and are not there; where the capture had not yet told the
  // class of a page, it counts as lost.
  static void expect_exact_account(const DumpReader& dump, PageCount stored) {
    const auto counts = count_pages(dump);
    ASSERT_TRUE(counts.has_value());
    EXPECT_EQ(counts->total.data + counts->total.zero, stored);
    PageCount unclassified_excluded = 0;
    ASSERT_TRUE(for_each_state_run(dump, [&](const StateRun& run) -> Outcome<void> {
                  if (run.lost_reason != LostReason::unclassified) return {};
                  for (Pfn pfn = run.first_pfn; pfn < run.first_pfn + run.count; ++pfn)
                    unclassified_excluded += truth_->is_kept(pfn, 31) ? 0U : 1U;
                  return {};
                }).has_value());
    if (dump.segments().empty()) return;  // died before the memory map was stored
    EXPECT_EQ(counts->total.lost - unclassified_excluded, kept_ - stored);
  }

  static test::TemporaryDirectory* directory_;
  static synthetic::VmcoreTruth* truth_;
  static PageCount kept_;
};

test::TemporaryDirectory* KilledCapture::directory_ = nullptr;
synthetic::VmcoreTruth* KilledCapture::truth_ = nullptr;
PageCount KilledCapture::kept_ = 0;

TEST_F(KilledCapture, AtEveryWrite) {
  const Ending whole = run(0, Fate::untouched);
  ASSERT_EQ(whole.exit_code, 0) << "this system does not allow ptrace(2)?";
  ASSERT_GT(whole.writes, 20U);
  std::set<std::uint32_t> phases;
  for (unsigned n = 1; n <= whole.writes; ++n) {
    for (const Fate fate : {Fate::killed_before, Fate::killed_when_cut, Fate::killed_when_torn}) {
      SCOPED_TRACE(testing::Message() << "write " << n << ", fate " << static_cast<int>(fate));
      ASSERT_TRUE(run(n, fate, n).was_killed);
      const auto header = expect_true_dump();
      ASSERT_TRUE(header.has_value() || n <= 3);
      if (header && header->state == static_cast<std::uint32_t>(State::writing)) phases.insert(header->phase);
    }
  }
  EXPECT_GE(phases.size(), 5U) << "a header for each phase";
}

TEST_F(KilledCapture, AfterTheLastWrite) {
  const Ending whole = run(0, Fate::untouched);
  ASSERT_TRUE(run(whole.writes, Fate::killed_after).was_killed);
  FileDevice region;
  ASSERT_TRUE(region.open(region_path().c_str(), FileDevice::Access::read_only).has_value());
  const auto dump = DumpReader::open(region);
  ASSERT_TRUE(dump.has_value());
  expect_whole(*dump, *truth_);
}

TEST_F(KilledCapture, AFailingWriteLeavesItsErrorInTheHeader) {
  const Ending whole = run(0, Fate::untouched);
  unsigned recorded = 0;
  for (unsigned n = 1; n <= whole.writes; n += 2) {
    const int error = n % 4 == 1 ? EIO : ENOSPC;
    SCOPED_TRACE(testing::Message() << "write " << n << " fails with " << error);
    const Ending ending = run(n, Fate::fails, 0, error);
    const auto header = expect_true_dump();
    if (ending.exit_code == 0) {
      ASSERT_TRUE(header.has_value())
          << "a header that cannot be written at one moment is written at the next";
      EXPECT_EQ(header->state, static_cast<std::uint32_t>(State::complete));
      continue;
    }
    EXPECT_EQ(ending.exit_code, 1);
    if (!header) continue;
    EXPECT_EQ(header->state, static_cast<std::uint32_t>(State::partial));
    EXPECT_EQ(header->error_code, static_cast<std::uint32_t>(ErrorCode::io));
    EXPECT_EQ(header->system_errno, static_cast<std::uint32_t>(error));
    EXPECT_NE(header->phase, static_cast<std::uint32_t>(Phase::none));
    EXPECT_THAT(reinterpret_cast<const char*>(header->error_text), testing::HasSubstr("write failed"));
    ++recorded;
  }
  EXPECT_GT(recorded, 4U);
}

TEST_F(KilledCapture, AtAnyMomentWithTwoThreads) {
  std::mt19937 random(1);
  for (int round = 0; round < 12; ++round) {
    SCOPED_TRACE(round);
    make_region_file(region_path(), 32 * kMiB);
    const std::string vmcore = directory_->file("vmcore");
    const std::string region = region_path();
    const pid_t child = ::fork();
    if (child == 0) {
      ::close(STDERR_FILENO);
      ::execl(WARMDUMP_CAPTURE, WARMDUMP_CAPTURE, "--vmcore", vmcore.c_str(), "--region", region.c_str(),
              "--threads", "2", static_cast<char*>(nullptr));
      ::_exit(127);
    }
    ::usleep(static_cast<useconds_t>(random() % 60'000));
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    expect_true_dump();
  }
}

}  // namespace
}  // namespace warmdump
