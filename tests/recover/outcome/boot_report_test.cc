// The story of a machine, boot by boot, on a folder of files that stands for its root.

#include "recover/outcome/boot_report.h"

#include <gmock/gmock.h>

#include "common/dump_format/dump_state.h"
#include "recover/outcome/outcome_log.h"
#include "tests/recover/kill_at_syscall.h"
#include "tests/recover/region_fixture.h"

namespace warmdump::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

constexpr const char* kPanicLog =
    "Panic#1 Part1\n<6>[   41.000001] usb 1-1: new device\n"
    "<0>[   42.123456][  T1] Kernel panic - not syncing: out of coffee\n<0>[   43.5] Rebooting\n";

Recovery recovered(DumpOutcome outcome) {
  Recovery recovery;
  recovery.region = "region0";
  recovery.size = kTestRegionSize;
  recovery.dump.emplace().outcome = outcome;
  recovery.returned.emplace();
  return recovery;
}

class BootReportTest : public testing::Test {
 protected:
  BootReportTest() { start_boot("boot-1"); }

  void write(const std::string& file, const std::string& text) const {
    fs::create_directories(fs::path(root_ + file).parent_path());
    std::ofstream(root_ + file, std::ios::binary) << text;
  }
  void start_boot(const std::string& id) const { write("/proc/sys/kernel/random/boot_id", id + "\n"); }
  void shut_down(std::uint64_t uptime_s = 100) const {
    ASSERT_TRUE(note_shutdown(root_ + kBootRecordPath, running_boot_id(root_), uptime_s));
  }
  BootReport run(const Outcome<Recovery>& recovery, bool has_no_region = false,
                 CrashLoopLimits limits = {}) const {
    BootReport report = BootReport::begin(root_, 1'738'324'800);
    report.finish(recovery, has_no_region, 12, limits);
    return report;
  }
  std::vector<BootOutcome> lines() const { return *OutcomeLog(root_ + kOutcomesPath).read(); }

  // As recovery leaves it: the directory of a dump.
  Recovery with_dump(const std::string& name, const std::string& boot_id) const {
    const fs::path directory = root_ + "/var/crash/" + name;
    fs::create_directories(directory);
    std::ofstream(directory / kDumpIdFile) << "id-" << name << "\n1\n";
    std::ofstream(directory / "vmcore-dmesg.txt") << "[    0.000000] Linux\n[   61.250000] Kernel panic\n";
    std::ofstream(directory / "meta.json")
        << R"({"schema": 1, "panic_text": "Kernel panic: x", "signature": "kernel-x", "capture_info": {"boot_id": ")"
        << boot_id << R"("}})";
    Recovery recovery = recovered(DumpOutcome::extracted);
    recovery.dump->directory = directory;
    recovery.dump->dump = ExtractedDump{.complete = true,
                                        .completeness = "complete",
                                        .authenticity = "sealed",
                                        .bytes_written = 99,
                                        .crash_text = "x"};
    return recovery;
  }

  TemporaryDirectory temporary_{TemporaryDirectory::Place::memory};
  const std::string root_ = temporary_.path().string();
};

TEST_F(BootReportTest, TheFirstBootKnowsNothingOfOneBefore) {
  write("/sys/fs/pstore/dmesg-efi-1", kPanicLog);  // of nobody knows which crash
  const BootReport report = run(recovered(DumpOutcome::none));
  EXPECT_EQ(report.outcome()->outcome, OutcomeKind::unknown);
  EXPECT_EQ(report.outcome()->previous.ended, "unknown");
  EXPECT_FALSE(report.outcome()->crash);
  EXPECT_THAT(lines(), SizeIs(1));
  EXPECT_THAT(report.warnings(), IsEmpty());
}

TEST_F(BootReportTest, AnOrderlyShutdownIsNoCrash) {
  run(recovered(DumpOutcome::none));
  shut_down(777);
  start_boot("boot-2");
  const BootReport report = run(recovered(DumpOutcome::none));
  EXPECT_EQ(report.outcome()->outcome, OutcomeKind::no_crash);
  EXPECT_EQ(report.outcome()->previous.boot_id, "boot-1");
  EXPECT_EQ(report.outcome()->previous.lasted_s, 777U);
  EXPECT_EQ(report.outcome()->reason, "");
}

TEST_F(BootReportTest, AnUncleanShutdownOfUnknownReasonIsAnAnswerOfItsOwn) {
  run(recovered(DumpOutcome::none));
  start_boot("boot-2");
  const BootReport report = run(recovered(DumpOutcome::none));
  EXPECT_EQ(report.outcome()->outcome, OutcomeKind::unclean_shutdown);
  EXPECT_THAT(report.outcome()->reason, HasSubstr("nothing says why"));
  EXPECT_FALSE(report.outcome()->crash);
}

TEST_F(BootReportTest, AShutdownThatWasNotedAndDidNotComeIsForgotten) {
  run(recovered(DumpOutcome::none));
  shut_down();
  run(recovered(DumpOutcome::none));  // the service was only restarted
  start_boot("boot-2");
  EXPECT_EQ(run(recovered(DumpOutcome::none)).outcome()->outcome, OutcomeKind::unclean_shutdown);
}

TEST_F(BootReportTest, ACrashWithItsDumpIsToldOnceABoot) {
  run(recovered(DumpOutcome::none));
  start_boot("boot-2");
  write("/var/lib/warmdump/arm/boot-1.json", "not a record");
  const BootReport report = run(with_dump("d", "boot-1"));
  const BootOutcome& outcome = *report.outcome();
  EXPECT_EQ(outcome.outcome, OutcomeKind::crash_and_dump);
  EXPECT_EQ(outcome.crash->boot_id, "boot-1");
  EXPECT_EQ(outcome.crash->uptime_s, 61U);
  EXPECT_EQ(outcome.crash->panic, "Kernel panic: x");
  EXPECT_EQ(outcome.crash->panic_from, "dump");
  EXPECT_EQ(outcome.dump->id, "id-d");
  EXPECT_EQ(outcome.dump->signature, "kernel-x");
  EXPECT_EQ(outcome.dump->bytes, 99U);
  EXPECT_TRUE(outcome.region->returned);
  EXPECT_FALSE(outcome.previous.armed) << "a damaged record says nothing";

  Recovery again = recovered(DumpOutcome::none);
  again.dump.reset();
  EXPECT_FALSE(run(again).was_written());
  EXPECT_THAT(lines(), SizeIs(2));
}

TEST_F(BootReportTest, AFailedRecoveryIsToldAndAnotherTryThatWorksReplacesIt) {
  run(recovered(DumpOutcome::none));
  start_boot("boot-2");
  EXPECT_EQ(run(Failure(ErrorCode::no_space, "disk full")).outcome()->failure->code, "no space");
  EXPECT_FALSE(run(Failure(ErrorCode::no_space, "disk full")).was_written());
  EXPECT_TRUE(run(with_dump("d", "boot-1")).was_written());
  const auto all = lines();
  ASSERT_THAT(all, SizeIs(3));
  EXPECT_EQ(all[1].outcome, OutcomeKind::not_recovered);
  EXPECT_EQ(all[2].outcome, OutcomeKind::crash_and_dump);
  EXPECT_EQ(all[2].tries, 2U);
}

TEST_F(BootReportTest, ARegionThatIsReturnedLaterIsToldWithTheDumpOfBefore) {
  run(recovered(DumpOutcome::none));
  start_boot("boot-2");
  Recovery first = with_dump("d", "boot-1");
  first.returned.reset();
  first.return_failure = Failure(ErrorCode::busy, "in use");
  EXPECT_EQ(run(first).outcome()->return_failure->message, "in use");
  Recovery later = recovered(DumpOutcome::none);
  later.dump.reset();
  EXPECT_TRUE(run(later).was_written());
  const BootOutcome last = lines().back();
  EXPECT_EQ(last.outcome, OutcomeKind::crash_and_dump);
  EXPECT_EQ(last.dump->id, "id-d");
  EXPECT_TRUE(last.region->returned);
  EXPECT_FALSE(last.return_failure);
}

TEST_F(BootReportTest, ACaptureThatStoredNothingSaysWhy) {
  run(recovered(DumpOutcome::none));
  start_boot("boot-2");
  Recovery recovery = recovered(DumpOutcome::nothing_stored);
  auto header = dump_format::make_header(0, kTestRegionSize);
  header.state = static_cast<std::uint32_t>(dump_format::State::partial);
  header.phase = static_cast<std::uint32_t>(dump_format::Phase::start);
  header.error_code = static_cast<std::uint16_t>(ErrorCode::not_found);
  header.system_errno = 2;
  std::strcpy(reinterpret_cast<char*>(header.error_text), "no /proc/vmcore");
  recovery.dump->header = header;
  const BootOutcome outcome = *run(recovery).outcome();
  EXPECT_EQ(outcome.outcome, OutcomeKind::crash_without_dump);
  EXPECT_EQ(outcome.reason, "no /proc/vmcore");
  EXPECT_EQ(outcome.capture->phase, "start");
  EXPECT_EQ(outcome.capture->error, "not found");
  EXPECT_EQ(outcome.capture->system_errno, 2);
}

TEST_F(BootReportTest, APanicIsKnownFromPstoreAndToldOnce) {
  write("/sys/fs/pstore/dmesg-ramoops-7", "Oops#1 Part1\n<4>[ 1.0] old\n");
  run(recovered(DumpOutcome::none));
  start_boot("boot-2");
  write("/sys/fs/pstore/dmesg-ramoops-0", kPanicLog);
  const BootOutcome outcome = *run(recovered(DumpOutcome::none)).outcome();
  EXPECT_EQ(outcome.outcome, OutcomeKind::crash_without_dump);
  EXPECT_EQ(outcome.crash->panic, "Kernel panic - not syncing: out of coffee");
  EXPECT_EQ(outcome.crash->panic_from, "pstore");
  EXPECT_EQ(outcome.crash->uptime_s, 43U);
  EXPECT_EQ(outcome.crash->boot_id, "boot-1");
  EXPECT_THAT(outcome.reason, HasSubstr("by pstore; the boot was not armed"));
  EXPECT_TRUE(fs::exists(root_ + "/sys/fs/pstore/dmesg-ramoops-0"));

  // systemd-pstore moves it; it is of the same crash all the same.
  shut_down();
  write("/var/lib/systemd/pstore/173/001/dmesg-ramoops-0", kPanicLog);
  fs::remove(root_ + "/sys/fs/pstore/dmesg-ramoops-0");
  start_boot("boot-3");
  EXPECT_EQ(run(recovered(DumpOutcome::none)).outcome()->outcome, OutcomeKind::no_crash);
}

TEST_F(BootReportTest, AnOopsThatTheKernelSurvivedIsNoCrash) {
  run(recovered(DumpOutcome::none));
  shut_down();
  start_boot("boot-2");
  write("/sys/fs/pstore/dmesg-ramoops-0", "Oops#1 Part1\n<4>[ 1.0] BUG: x\n");
  EXPECT_EQ(run(recovered(DumpOutcome::none)).outcome()->outcome, OutcomeKind::no_crash);
}

TEST_F(BootReportTest, AResetByTheWatchdogIsACrashUnlessTheShutdownWasInOrder) {
  write("/sys/class/watchdog/watchdog0/bootstatus", "32\n");
  run(recovered(DumpOutcome::none));
  start_boot("boot-2");
  const BootOutcome outcome = *run(recovered(DumpOutcome::none)).outcome();
  EXPECT_EQ(outcome.outcome, OutcomeKind::crash_without_dump);
  EXPECT_EQ(outcome.crash->reset_reason, "watchdog timeout");
  EXPECT_EQ(outcome.crash->reset_from, "/sys/class/watchdog/watchdog0/bootstatus");
  shut_down();
  start_boot("boot-3");
  EXPECT_EQ(run(recovered(DumpOutcome::none)).outcome()->outcome, OutcomeKind::no_crash);
}

TEST_F(BootReportTest, OtherReasonsOfAResetAreUncleanShutdowns) {
  run(recovered(DumpOutcome::none));
  start_boot("boot-2");
  write("/sys/devices/platform/soc/fffffe00.rstc/power_on_reason", "brown-out reset\n");
  EXPECT_EQ(run(recovered(DumpOutcome::none)).outcome()->reason, "brown-out reset");
  start_boot("boot-3");
  fs::remove_all(root_ + "/sys/devices");
  write("/sys/firmware/acpi/tables/data/BERT", std::string("\1\0\0\0rest", 8));
  const BootOutcome outcome = *run(recovered(DumpOutcome::none)).outcome();
  EXPECT_EQ(outcome.outcome, OutcomeKind::unclean_shutdown);
  EXPECT_EQ(outcome.reason, "uncorrectable hardware error");
}

TEST_F(BootReportTest, WithoutARegionTheRestIsToldAllTheSame) {
  run(recovered(DumpOutcome::none));
  start_boot("boot-2");
  write("/sys/fs/pstore/dmesg-efi-1", kPanicLog);
  const BootOutcome outcome = *run(Failure(ErrorCode::not_found, "no region"), true).outcome();
  EXPECT_EQ(outcome.outcome, OutcomeKind::crash_without_dump);
  EXPECT_EQ(outcome.failure->message, "no region");
  EXPECT_FALSE(outcome.region);
}

TEST_F(BootReportTest, BootsThatWroteNoLineAreCounted) {
  run(recovered(DumpOutcome::none));
  for (const char* id : {"boot-2", "boot-3"}) {
    start_boot(id);
    (void)BootReport::begin(root_, 0);  // and then the power failed
  }
  start_boot("boot-4");
  const BootOutcome outcome = *run(recovered(DumpOutcome::none)).outcome();
  EXPECT_EQ(outcome.previous.boots_without_line, 2U);
  EXPECT_EQ(outcome.previous.boot_id, "boot-3");
}

TEST_F(BootReportTest, WhatCannotBeWrittenIsAWarning) {
  write("/var/lib/warmdump", "a file where the directory should be");
  const BootReport report = run(recovered(DumpOutcome::none));
  EXPECT_FALSE(report.was_written());
  EXPECT_THAT(report.warnings(), testing::Contains(HasSubstr("the outcome of this boot is not recorded")));
}

TEST_F(BootReportTest, ACrashLoopIsRecordedWithItsFirstDump) {
  const CrashLoopLimits limits{.crashes = 2, .window_s = 600};
  run(recovered(DumpOutcome::none), false, limits);
  start_boot("boot-2");
  EXPECT_FALSE(run(with_dump("d1", "boot-1"), false, limits).crash_loop());
  start_boot("boot-3");
  const BootReport found = run(with_dump("d2", "boot-2"), false, limits);
  ASSERT_TRUE(found.crash_loop());
  EXPECT_TRUE(found.crash_loop()->stands);
  EXPECT_EQ(found.crash_loop()->first_dump, "id-d1");
  EXPECT_TRUE(lines().back().crash_loop->stands);
  EXPECT_EQ(BootReport::begin(root_, 0).kept_dump(), "id-d1");

  shut_down(601);
  start_boot("boot-4");
  const BootReport after = run(recovered(DumpOutcome::none), false, limits);
  EXPECT_FALSE(after.crash_loop()->stands);
  EXPECT_EQ(after.kept_dump(), "");
  EXPECT_FALSE(lines().back().crash_loop);
}

// Killed anywhere, the same boot started again leaves one line, and it tells the same.
TEST_F(BootReportTest, KilledAtEverySystemCall) {
  run(recovered(DumpOutcome::none));
  const fs::path state = root_ + "/var/lib/warmdump";
  const fs::path copy = root_ + "/copy";
  fs::copy(state, copy, fs::copy_options::recursive);
  start_boot("boot-2");
  write("/sys/fs/pstore/dmesg-efi-1", kPanicLog);
  for (int stop = 1;; ++stop) {
    fs::remove_all(state);
    fs::copy(copy, state, fs::copy_options::recursive);
    const KillResult result = run_killed_at_syscall(stop, [&] { (void)run(recovered(DumpOutcome::none)); });
    if (result == KillResult::cannot_trace) GTEST_SKIP() << "ptrace(2) is not allowed here";
    run(recovered(DumpOutcome::none));
    const auto all = lines();
    ASSERT_THAT(all, SizeIs(2)) << stop;
    ASSERT_EQ(all[1].boot_id, "boot-2") << stop;
    ASSERT_EQ(all[1].outcome, OutcomeKind::crash_without_dump) << stop;
    ASSERT_EQ(all[1].previous.boot_id, "boot-1") << stop;
    ASSERT_TRUE(read_boot_record(root_ + kBootRecordPath)->value().has_line) << stop;
    if (result == KillResult::finished) break;
  }
}

}  // namespace
}  // namespace warmdump::test
