// Both signatures of every log in tests/golden: what the fault is, and who is to blame. Those of ChromeOS's
// rule were computed a second time, with its regular expressions, by a script that shares nothing with the
// code here.

#include <gmock/gmock.h>

#include <filesystem>
#include <set>

#include "recover/report/chromeos_signature.h"
#include "recover/report/signature.h"
#include "tests/support/golden_log.h"

namespace warmdump {
namespace {

struct GoldenCase {
  const char* log;
  const char* text;
  const char* chromeos;
};

// To add one: `tests/golden/collect`, and its row; read the log before you believe what the code makes of it.
constexpr GoldenCase kCases[] = {
    {"5.10-sysrq", "sysrq: sysrq_handle_crash < __handle_sysrq < write_sysrq_trigger",
     "kernel-sysrq triggered crash-210A85CC"},
    {"6.1-bug", "bug: crash_now < crash_init < do_one_initcall", "kernel-crash_now-042491BB"},
    {"6.1-general-protection", "general-protection: crash_now < crash_init < do_one_initcall",
     "kernel-crash_now-042491BB"},
    {"6.1-hung-task", "hung-task: crash_now < crash_init < do_one_initcall",
     "kernel-(HANG)-crash_now-944930D9"},
    {"6.1-null-pointer", "null-pointer: crash_read_thing < crash_now < crash_init",
     "kernel-crash_read_thing.constprop.0-5B60D0D9"},
    {"6.1-panic", "panic: crash_now < crash_init < do_one_initcall",
     "kernel-crashmod gave up on widget 12-D23FFC7C"},
    {"6.1-soft-lockup", "soft-lockup: crash_now < crash_init < do_one_initcall",
     "kernel-(SOFTLOCKUP)-crash_init-042491BB"},
    {"6.1-sysrq", "sysrq: sysrq_handle_crash < __handle_sysrq < write_sysrq_trigger",
     "kernel-sysrq triggered crash-4A612D18"},
    {"6.12-divide-error", "divide-error: sysrq_handle_showmem < __handle_sysrq < write_sysrq_trigger",
     "kernel-sysrq_handle_showmem-7E5820C0"},
    {"6.12-general-protection",
     "general-protection: sysrq_handle_showmem < __handle_sysrq < write_sysrq_trigger",
     "kernel-sysrq_handle_showmem-7E5820C0"},
    {"6.12-hung-task", "hung-task: mnt_want_write < path_openat < do_filp_open",
     "kernel-(HANG)-percpu_rwsem_wait-ECA776EF"},
    {"6.12-invalid-opcode", "invalid-opcode: sysrq_handle_showmem < __handle_sysrq < write_sysrq_trigger",
     "kernel-sysrq_handle_showmem-7E5820C0"},
    {"6.12-nmi", "nmi: pv_native_safe_halt < default_idle < default_idle_call",
     "kernel-pv_native_safe_halt-D989F91F"},
    {"6.12-null-pointer", "null-pointer: sysrq_handle_showmem < __handle_sysrq < write_sysrq_trigger",
     "kernel-sysrq_handle_showmem-7E5820C0"},
    {"6.12-out-of-memory", "out-of-memory", "kernel-rep_stos_alternative-B8F87629"},
    {"6.12-page-fault", "page-fault: sysrq_handle_showmem < __handle_sysrq < write_sysrq_trigger",
     "kernel-sysrq_handle_showmem-7E5820C0"},
    {"6.12-soft-lockup", "soft-lockup: sysrq_handle_showmem < __handle_sysrq < write_sysrq_trigger",
     "kernel-(SOFTLOCKUP)-__handle_sysrq.cold-7E5820C0"},
    {"6.12-stack-overflow", "stack-overflow: sysrq_handle_showmem < __handle_sysrq < write_sysrq_trigger",
     "kernel-sysrq_handle_showmem-60C7D8C0"},
    {"6.12-sysrq", "sysrq: sysrq_handle_crash < __handle_sysrq < write_sysrq_trigger",
     "kernel-sysrq triggered crash-4A612D18"},
    {"7.2-null-pointer", "null-pointer: sysrq_handle_showmem < __handle_sysrq < write_sysrq_trigger",
     "kernel-sysrq_handle_showmem-7E5820C0"},
    {"7.2-page-fault", "page-fault: sysrq_handle_showmem < __handle_sysrq < write_sysrq_trigger",
     "kernel-sysrq_handle_showmem-7E5820C0"},
    {"7.2-sysrq", "sysrq: sysrq_handle_crash < __handle_sysrq < write_sysrq_trigger",
     "kernel-sysrq triggered crash-B2A3E597"},
};

std::string text_of(const PrintkLog& log) {
  return make_signature(find_crash_trace(log), find_panic_text(log)).text;
}

TEST(GoldenLogs, have_the_signatures_of_their_faults) {
  for (const GoldenCase& golden : kCases) {
    SCOPED_TRACE(golden.log);
    const PrintkLog log = test::read_golden_log(std::string("linux-") + golden.log);
    EXPECT_EQ(text_of(log), golden.text);
    EXPECT_EQ(chromeos_signature(format_kcrash(log)), golden.chromeos);
  }
}

TEST(GoldenLogs, are_all_in_the_table) {
  std::set<std::string> files, rows;
  for (const auto& entry : std::filesystem::directory_iterator(WARMDUMP_GOLDEN))
    if (entry.path().extension() == ".dmesg") files.insert(entry.path().stem());
  for (const GoldenCase& golden : kCases) rows.insert(std::string("linux-") + golden.log);
  EXPECT_EQ(files, rows);
}

// With panic_on_oops a crash kernel starts before the panic that follows from a fault is printed.
TEST(GoldenLogs, have_the_same_signature_before_the_panic_that_only_follows) {
  int cut = 0;
  for (const GoldenCase& golden : kCases) {
    PrintkLog log = test::read_golden_log(std::string("linux-") + golden.log);
    for (std::size_t i = 0; i < log.records.size(); ++i) {
      if (!log.records[i].text.starts_with("Kernel panic - not syncing: Fatal exception")) continue;
      log.records.resize(i);
      ++cut;
    }
    EXPECT_EQ(text_of(log), golden.text) << golden.log;
  }
  EXPECT_GT(cut, 5);
}

}  // namespace
}  // namespace warmdump
