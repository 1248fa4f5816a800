#include "recover/report/crash_trace.h"

#include <gmock/gmock.h>

#include "recover/report/crash_reason.h"
#include "tests/support/golden_log.h"

namespace warmdump {
namespace {

using test::parse_log;
using testing::ElementsAre;
using testing::IsEmpty;

TEST(CrashTrace, of_a_fault_is_the_one_behind_its_registers) {
  const CrashTrace trace = find_crash_trace(test::read_golden_log("linux-6.1-null-pointer"));
  EXPECT_EQ(trace.reason, "null-pointer");
  EXPECT_EQ(trace.registers, "RIP: 0010:crash_read_thing.constprop.0+0x5/0x12 [crashmod]");
  EXPECT_EQ(trace.function, "crash_read_thing.constprop.0");
  EXPECT_THAT(trace.frames,
              ElementsAre("crash_now", "crash_init", "do_one_initcall", "do_init_module",
                          "__do_sys_finit_module", "do_syscall_64", "entry_SYSCALL_64_after_hwframe"));
}

TEST(CrashTrace, of_a_panic_by_itself_is_its_own) {
  const CrashTrace trace = find_crash_trace(test::read_golden_log("linux-6.1-sysrq"));
  EXPECT_EQ(trace.reason, "sysrq");
  EXPECT_EQ(trace.registers, "");
  EXPECT_THAT(trace.frames,
              ElementsAre("dump_stack_lvl", "panic", "sysrq_handle_crash", "__handle_sysrq.cold",
                          "write_sysrq_trigger", "proc_reg_write", "vfs_write", "ksys_write", "do_syscall_64",
                          "entry_SYSCALL_64_after_hwframe"));
}

TEST(CrashTrace, of_a_lockup_or_hung_task_is_the_victims_not_the_watchdogs) {
  const CrashTrace lockup = find_crash_trace(test::read_golden_log("linux-6.1-soft-lockup"));
  EXPECT_EQ(lockup.reason, "soft-lockup");
  EXPECT_EQ(lockup.function, "crash_now");
  EXPECT_EQ(lockup.frames.front(), "crash_init");
  const CrashTrace hung = find_crash_trace(test::read_golden_log("linux-6.1-hung-task"));
  EXPECT_EQ(hung.reason, "hung-task");
  EXPECT_EQ(hung.function, "");
  EXPECT_THAT(std::vector(hung.frames.begin(), hung.frames.begin() + 3),
              ElementsAre("__schedule", "schedule", "crash_now"));
}

TEST(CrashTrace, of_an_old_fault_does_not_explain_a_later_panic) {
  const CrashTrace trace = find_crash_trace(
      parse_log("[  100.000000] BUG: kernel NULL pointer dereference, address: 0000000000000008\n"
                "[  100.000001] RIP: 0010:old_fault+0x5/0x12\n"
                "[  900.000000] Kernel panic - not syncing: sysrq triggered crash\n"
                "[  900.000001] Call Trace:\n"
                "[  900.000002]  sysrq_handle_crash+0x16/0x20\n"));
  EXPECT_EQ(trace.reason, "sysrq");
  EXPECT_EQ(trace.function, "");
  EXPECT_THAT(trace.frames, ElementsAre("sysrq_handle_crash"));
}

TEST(CrashTrace, takes_the_first_fault_of_the_last_ten_seconds) {
  const CrashTrace trace = find_crash_trace(
      parse_log("[  100.000000] kernel BUG at a.c:1!\n[  100.000001] RIP: 0010:long_ago+0x5/0x12\n"
                "[  895.000000] kernel BUG at b.c:1!\n[  895.000001] RIP: 0010:cause+0x5/0x12\n"
                "[  896.000000] kernel BUG at c.c:1!\n[  896.000001] RIP: 0010:effect+0x5/0x12\n"
                "[  900.000000] Kernel panic - not syncing: Fatal exception\n"));
  EXPECT_EQ(trace.function, "cause");
}

TEST(CrashTrace, reads_addresses_of_older_kernels_and_leaves_user_programs_out) {
  const CrashTrace trace = find_crash_trace(
      parse_log("[    1.000000] BUG: unable to handle kernel NULL pointer dereference at 8\n"
                "[    1.000001] RIP: 0010:[<ffffffff94fb0c27>] [<ffffffff94fb0c27>] list_del_init+0x8/0x1b\n"
                "[    1.000002] Call Trace:\n"
                "[    1.000003]  [<ffffffff94fb13c8>] ? namespace_unlock+0x98/0x10e\n"
                "[    1.000004]  [<ffffffff94fb36ea>] put_mnt_ns+0x19d/0x1c4\n"
                "[    1.000005] RIP: 0033:0x7c527e0982c4\n"
                "[    1.000006]  not_a_frame+0x1/0x2\n"));
  EXPECT_EQ(trace.function, "list_del_init");
  EXPECT_THAT(trace.frames, ElementsAre("put_mnt_ns"));
}

TEST(CrashTrace, tells_a_recursion_of_any_depth_by_two_frames) {
  std::string text = "[    1.000000] Kernel panic - not syncing: x\n[    1.000001] Call Trace:\n";
  for (int i = 0; i < 300; ++i) text += "[    1.000002]  again+0x1/0x2\n";
  const CrashTrace trace = find_crash_trace(parse_log(text + "[    1.000002]  caller+0x1/0x2\n"));
  EXPECT_THAT(trace.frames, ElementsAre("again", "again", "caller"));
}

TEST(CrashTrace, has_the_function_that_an_interrupt_found_before_its_callers) {
  const CrashTrace trace =
      find_crash_trace(parse_log("[    1.000000] Kernel panic - not syncing: NMI: Not continuing\n"
                                 "[    1.000001] Call Trace:\n[    1.000001]  <NMI>\n"
                                 "[    1.000001]  panic+0x1/0x2\n[    1.000001]  exc_nmi+0x1/0x2\n"
                                 "[    1.000001] RIP: 0010:spins_for_ever+0x1/0x2\n"
                                 "[    1.000001]  ? spins_for_ever+0x1/0x2\n[    1.000001]  </NMI>\n"
                                 "[    1.000001]  caller+0x1/0x2\n"));
  EXPECT_THAT(trace.frames, ElementsAre("panic", "exc_nmi", "spins_for_ever", "caller"));
}

TEST(CrashTrace, is_not_looked_for_behind_the_line_that_ends_a_panic) {
  const PrintkLog log = parse_log(
      "[    1.000000] Kernel panic - not syncing: sysrq triggered crash\n[    1.000001] Call Trace:\n"
      "[    1.000001]  sysrq_handle_crash+0x1/0x2\n"
      "[    1.000002] ---[ end Kernel panic - not syncing: sysrq triggered crash ]---\n");
  EXPECT_THAT(find_crash_trace(log).frames, ElementsAre("sysrq_handle_crash"));
  EXPECT_EQ(find_panic_text(log), "Kernel panic - not syncing: sysrq triggered crash");
}

TEST(CrashTrace, of_a_log_without_a_crash_is_empty) {
  const CrashTrace trace = find_crash_trace(parse_log("[    1.000000] all well\n"));
  EXPECT_EQ(trace.reason, "");
  EXPECT_THAT(trace.frames, IsEmpty());
  EXPECT_EQ(find_crash_trace({}).reason, "");
}

TEST(CrashTrace, is_bounded_and_harmless_whatever_the_log_says) {
  std::string text = "[    1.000000] Kernel panic - not syncing: x\n[    1.000001] Call Trace:\n";
  for (int i = 0; i < 1000; ++i) text += "[    1.000002]  frame_" + std::to_string(i) + "+0x1/0x2\n";
  EXPECT_EQ(find_crash_trace(parse_log(text)).frames.size(), 128);
  PrintkLog log;
  log.records.push_back({0, 0, 0, "kernel BUG at x\nRIP: 0010:f+0x1/0x2 \x1b[31m"});
  EXPECT_EQ(find_crash_trace(log).registers, "RIP: 0010:f+0x1/0x2 ?[31m");
}

struct PanicCase {
  std::vector<std::string> lines;
  std::string expected;
};

TEST(PanicText, is_the_reason_of_the_last_crash) {
  const PanicCase cases[] = {
      {{"boot", "all well"}, ""},
      {{"sysrq: Trigger a crash", "Kernel panic - not syncing: sysrq triggered crash", "CPU: 0"},
       "Kernel panic - not syncing: sysrq triggered crash"},
      {{"BUG: kernel NULL pointer dereference, address: 0000000000000008", "Oops: 0000 [#1] PREEMPT SMP",
        "RIP: x"},
       "BUG: kernel NULL pointer dereference, address: 0000000000000008"},
      {{"Kernel panic - not syncing: old\nsecond line", "BUG: later"}, "Kernel panic - not syncing: old"},
      {{"BUG: soft lockup 1", "watchdog: BUG: soft lockup 2"}, "BUG: soft lockup 2"},
      {{"Oops: 0002 [#1] \x1b"}, "Oops: 0002 [#1] ?"},
  };
  for (const PanicCase& panic : cases) {
    PrintkLog log;
    for (const std::string& line : panic.lines) log.records.push_back({0, 0, 0, line});
    EXPECT_EQ(find_panic_text(log), panic.expected);
  }
}

struct ReasonCase {
  const char* line;
  const char* word;
};

TEST(CrashReason, of_lines_of_real_logs) {
  const ReasonCase cases[] = {
      {"watchdog: BUG: soft lockup - CPU#0 stuck for 7s! [insmod:91]", "soft-lockup"},
      {"NMI watchdog: Watchdog detected hard LOCKUP on cpu 3", "hard-lockup"},
      {"INFO: task insmod:90 blocked for more than 5 seconds.", "hung-task"},
      {"rcu: INFO: rcu_sched self-detected stall on CPU", "rcu-stall"},
      {"rcu: INFO: rcu_preempt detected stalls on CPUs/tasks:", "rcu-stall"},
      {"BUG: kernel NULL pointer dereference, address: 0000000000000008", "null-pointer"},
      {"BUG: unable to handle page fault for address: ffffffffdeadbeef", "page-fault"},
      {"kernel BUG at mm/slub.c:379!", "bug"},
      {"general protection fault, maybe for address 0x0: 0000 [#1] PREEMPT SMP NOPTI", "general-protection"},
      {"divide error: 0000 [#1] SMP", "divide-error"},
      {"invalid opcode: 0000 [#1] PREEMPT SMP NOPTI", "invalid-opcode"},
      {"WARNING: CPU: 0 PID: 1 at fs/x.c:1 f+0x1/0x2", "warning"},
      {"WARNING: kernel/x.c:1 at f+0x1/0x2, CPU#0: swapper/0", "warning"},
      {"Oops: 0000 [#1] PREEMPT SMP NOPTI", "oops"},
      {"BUG: KASAN: use-after-free in f+0x1/0x2", "kasan"},
  };
  for (const ReasonCase& test : cases) {
    const CrashReason* reason = find_fault(test.line);
    ASSERT_NE(reason, nullptr) << test.line;
    EXPECT_STREQ(reason->word, test.word) << test.line;
  }
  EXPECT_EQ(find_fault("INFO: task of the day"), nullptr);
}

TEST(CrashReason, of_panics) {
  const ReasonCase cases[] = {
      {"sysrq triggered crash", "sysrq"},
      {"Out of memory: system-wide panic_on_oom is enabled", "out-of-memory"},
      {"Attempted to kill init! exitcode=0x00000300", "init-died"},
      {"VFS: Unable to mount root fs on unknown-block(0,0)", "no-root"},
      {"NMI: Not continuing", "nmi"},
      {"stack-protector: Kernel stack is corrupted in: f+0x1/0x2", "stack-protector"},
      {"crashmod gave up on widget 12", "panic"},
  };
  for (const ReasonCase& test : cases) {
    const CrashReason* reason = find_panic_reason(test.line);
    ASSERT_NE(reason, nullptr) << test.line;
    EXPECT_STREQ(reason->word, test.word) << test.line;
  }
  EXPECT_EQ(find_panic_reason("Fatal exception in interrupt"), nullptr);
  EXPECT_EQ(find_panic_reason("hung_task: blocked tasks"), nullptr);
}

}  // namespace
}  // namespace warmdump
