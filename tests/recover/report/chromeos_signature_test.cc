#include "recover/report/chromeos_signature.h"

#include <gmock/gmock.h>

#include "tests/support/golden_log.h"

namespace warmdump {
namespace {

// The hashes that the unit test of ChromeOS's crash reporter has for these frames.
TEST(ChromeosHash, is_that_of_the_published_vectors) {
  EXPECT_EQ(chromeos_hash("__do_softirq"), 0x83615F0A);
  EXPECT_EQ(chromeos_hash("panic|write_breakme"), 0xE0FC3552);
  EXPECT_EQ(chromeos_hash("printk"), 0xED4C84FE);
  EXPECT_EQ(chromeos_hash(""), 0U);
  EXPECT_EQ(chromeos_hash("\xff"), 0xFFFFFFFF) << "characters are signed";
}

constexpr const char* kPanic = "<0>[   87.485611] Kernel panic - not syncing: Testing panic\n";

TEST(ChromeosSignature, has_the_text_of_the_panic_where_no_registers_are) {
  EXPECT_EQ(
      chromeos_signature(std::string(kPanic) + "<4>[   87.485639] Call Trace:\n"
                                               "<4>[   87.485660]  [<8133f71d>] ? printk+0x14/0x17\n"
                                               "<4>[   87.485674]  [<8133f663>] panic+0x3e/0xe4\n"
                                               "<4>[   87.485689]  [<810d062e>] write_breakme+0xaa/0x124\n"),
      "kernel-Testing panic-E0FC3552");
}

TEST(ChromeosSignature, has_the_function_of_registers_only_if_they_are_recent) {
  const auto log = [](const char* registers_time) {
    return std::string("<4>[") + registers_time + "] RIP: 0010:broken_function+0x80/0x108\n" +
           "<4>[  180.502026] Call Trace:\n<0>[  180.502026] Kernel panic - not syncing: Fatal exception\n"
           "<4>[  180.502806]  [<79379aba>] printk+0x14/0x1a\n";
  };
  EXPECT_EQ(chromeos_signature(log("  180.4")), "kernel-broken_function-ED4C84FE");
  EXPECT_EQ(chromeos_signature(log("  180.303")), "kernel-broken_function-ED4C84FE");
  EXPECT_EQ(chromeos_signature(log("  180.302")), "kernel-Fatal exception-ED4C84FE");
  EXPECT_EQ(chromeos_signature(log("  174.5")), "kernel-Fatal exception-ED4C84FE");
}

TEST(ChromeosSignature, reads_registers_with_addresses_and_not_those_of_programs) {
  const std::string end = "<4>[    1.000001]  [<79379aba>] printk+0x14/0x1a\n";
  EXPECT_EQ(
      chromeos_signature(
          "<4>[    1.0] RIP: 0010:[<ffffffff94fb0c27>] [<ffffffff94fb0c27>] list_del_init+0x8/0x1b\n" + end),
      "kernel-list_del_init-ED4C84FE");
  EXPECT_EQ(chromeos_signature("<4>[    1.0] RIP: 0033:0x7c527e0982c4\n" + end), "kernel-printk-ED4C84FE");
  EXPECT_EQ(chromeos_signature("<4>[    1.0] RIP: 0010:__schedule+0x1/0x2\n" + end),
            "kernel-printk-ED4C84FE");
}

TEST(ChromeosSignature, hashes_the_last_trace_and_uncertain_frames_only_when_there_are_no_others) {
  EXPECT_EQ(chromeos_signature("<4>[    1.0] Call Trace:\n<4>[    1.0]  early+0x1/0x2\n"
                               "<4>[    2.0] CALL TRACE:\n<4>[    2.0]  ? printk+0x1/0x2\n"),
            "kernel--ED4C84FE");
  EXPECT_EQ(chromeos_signature(
                "<4>[    1.0] Backtrace:\n<4>[    1.0]  ? early+0x1/0x2\n<4>[    1.0]  printk+0x1/0x2\n"),
            "kernel-printk-ED4C84FE");
}

struct TagCase {
  const char* line;
  const char* tag;
};

TEST(ChromeosSignature, takes_the_first_trace_after_a_lockup_or_hung_task) {
  const TagCase cases[] = {
      {"Watchdog detected hard LOCKUP on cpu 0", "(HARDLOCKUP)-"},
      {"watchdog: BUG: soft lockup - CPU#0 stuck for 22s!", "(SOFTLOCKUP)-"},
      {"INFO: task bash:2287 blocked for more than 120 seconds.", "(HANG)-"},
  };
  for (const TagCase& test : cases) {
    EXPECT_EQ(chromeos_signature("<4>[    0.5] Call Trace:\n<4>[    0.5]  before+0x1/0x2\n<3>[    1.0] " +
                                 std::string(test.line) +
                                 "\n<4>[    1.0] Call Trace:\n<4>[    1.0]  panic+0x3e/0xe4\n<4>[    1.0]  "
                                 "write_breakme+0xaa/0x124\n"
                                 "<0>[    1.1] Kernel panic - not syncing: it\n<4>[    1.1] Call "
                                 "Trace:\n<4>[    1.1]  watchdog+0x1/0x2\n"),
              std::string("kernel-") + test.tag + "write_breakme-E0FC3552");
  }
  EXPECT_EQ(chromeos_signature("<3>[    1.0] INFO: task bash:2287 blocked blah\n<4>[    1.0] Call "
                               "Trace:\n<4>[    1.0]  panic+0x1/0x2\n"
                               "<4>[    1.1] Call Trace:\n<4>[    1.1]  printk+0x1/0x2\n"),
            "kernel-printk-ED4C84FE")
      << "no tag without a time";
}

TEST(ChromeosSignature, passes_over_warnings) {
  EXPECT_EQ(chromeos_signature(
                "<4>[    1.0] Call Trace:\n<4>[    1.0]  printk+0x1/0x2\n"
                "<4>[    2.0] WARNING: CPU: 0 PID: 1 at x.c:1\n<4>[    2.0] RIP: 0010:warned+0x1/0x2\n"
                "<4>[    2.0] Call Trace:\n<4>[    2.0]  warned+0x1/0x2\n<4>[    2.0] ---[ end trace "
                "0123456789abcdef ]---\n"),
            "kernel-printk-ED4C84FE");
}

TEST(ChromeosSignature, is_at_most_forty_bytes_of_text) {
  EXPECT_EQ(chromeos_signature(
                "<0>[   87.485611] Kernel panic - not syncing: 0123456789012345678901234567890123456789X\n"),
            "kernel-0123456789012345678901234567890123456789-00000000");
}

TEST(ChromeosSignature, of_nothing_says_so) {
  EXPECT_EQ(chromeos_signature(""), "kernel-UnspecifiedStackSignature");
  EXPECT_EQ(chromeos_signature("[    1.0] Kernel panic - not syncing: no level\n"),
            "kernel-UnspecifiedStackSignature");
}

TEST(ChromeosSignature, of_real_crashes) {
  const auto signature = [](const char* name) {
    return chromeos_signature(format_kcrash(test::read_golden_log(name)));
  };
  EXPECT_THAT(signature("linux-6.1-null-pointer"),
              testing::StartsWith("kernel-crash_read_thing.constprop.0-"));
  EXPECT_THAT(signature("linux-6.1-soft-lockup"), testing::StartsWith("kernel-(SOFTLOCKUP)-crash_init-"));
  EXPECT_THAT(signature("linux-6.1-hung-task"), testing::StartsWith("kernel-(HANG)-crash_now-"));
  EXPECT_THAT(signature("linux-6.1-sysrq"), testing::StartsWith("kernel-sysrq triggered crash-"));
}

TEST(Kcrash, has_level_and_time_on_every_line) {
  PrintkLog log;
  log.records.push_back({0, 1'234'567'890, 0, "two\nlines"});
  log.records.push_back({1, 2'000'000'000, 0, ""});
  EXPECT_EQ(format_kcrash(log), "<4>[    1.234567] two\n<4>[    1.234567] lines\n<4>[    2.000000] \n");
}

}  // namespace
}  // namespace warmdump
