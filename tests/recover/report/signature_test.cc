#include "recover/report/signature.h"

#include <gmock/gmock.h>

#include "tests/support/golden_log.h"

namespace warmdump {
namespace {

using test::read_golden_log;

std::string text_of(const PrintkLog& log) {
  return make_signature(find_crash_trace(log), find_panic_text(log)).text;
}

TEST(Signature, of_real_crashes) {
  const std::pair<const char*, const char*> cases[] = {
      {"null-pointer", "null-pointer: crash_read_thing < crash_now < crash_init"},
      {"bug", "bug: crash_now < crash_init < do_one_initcall"},
      {"general-protection", "general-protection: crash_now < crash_init < do_one_initcall"},
      {"soft-lockup", "soft-lockup: crash_now < crash_init < do_one_initcall"},
      {"hung-task", "hung-task: crash_now < crash_init < do_one_initcall"},
      {"panic", "panic: crash_now < crash_init < do_one_initcall"},
      {"sysrq", "sysrq: sysrq_handle_crash < __handle_sysrq < write_sysrq_trigger"},
  };
  for (const auto& [name, text] : cases) {
    EXPECT_EQ(text_of(read_golden_log(std::string("linux-6.1-") + name)), text);
  }
}

TEST(Signature, key_is_short_and_of_the_text_alone) {
  const CrashSignature signature = make_signature({"bug", "RIP: 1", "f", {"g"}}, "text 1");
  EXPECT_EQ(signature.text, "bug: f < g");
  EXPECT_EQ(signature.version, 1);
  EXPECT_EQ(signature.key, "w1-cce3b1d979be");
  EXPECT_EQ(make_signature({"bug", "RIP: 2", "f", {"g"}}, "text 2").key, signature.key);
  EXPECT_NE(make_signature({"oops", "RIP: 1", "f", {"g"}}, "text 1").key, signature.key);
}

TEST(Signature, is_the_same_over_builds) {
  const CrashTrace one{"bug", "", "f.constprop.0", {"g.isra.0", "h.cold"}};
  const CrashTrace other{"bug", "", "f", {"g", "h.llvm.1234567"}};
  EXPECT_EQ(make_signature(one, "").key, make_signature(other, "").key);
}

TEST(Signature, leaves_out_what_stands_in_every_trace) {
  const CrashTrace trace{"hung-task",
                         "",
                         "",
                         {"__schedule", "schedule", "io_schedule", "__mutex_lock.constprop.0",
                          "my_driver_wait", "process_one_work", "worker_thread", "kthread"}};
  EXPECT_EQ(make_signature(trace, "").text, "hung-task: my_driver_wait");
}

TEST(Signature, of_memory_running_out_does_not_name_the_process_that_asked_last) {
  EXPECT_EQ(make_signature({"out-of-memory", "", "", {"out_of_memory", "vfs_read"}}, "").text,
            "out-of-memory");
}

TEST(Signature, of_a_panic_without_frames_is_its_words_without_numbers_and_persons) {
  EXPECT_EQ(
      make_signature({"panic", "", "", {}},
                     "Kernel panic - not syncing: lost node 12 at 192.168.4.5 of bob@example.org for good")
          .text,
      "panic: lost node at of for good");
}

TEST(Signature, of_a_log_that_tells_nothing_is_empty) {
  const CrashSignature signature = make_signature({}, "");
  EXPECT_EQ(signature.version, 0);
  EXPECT_EQ(signature.key, "");
  EXPECT_EQ(signature.text, "");
}

}  // namespace
}  // namespace warmdump
