#include "recover/report/signature.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "common/hosted/sha256.h"
#include "recover/report/crash_reason.h"
#include "recover/report/redaction.h"

namespace warmdump {
namespace {

constexpr std::size_t kFunctionsMax = 3;
constexpr std::size_t kWordsMax = 8;
constexpr std::size_t kKeyDigits = 12;

// Functions that stand in traces of every fault. To add one: a word, and a new version of the rule: it
// changes signatures. A "*" at the end stands for anything.
constexpr std::string_view kNotTelling[] = {
    // reporting
    "dump_stack*",
    "show_stack*",
    "show_trace*",
    "dump_trace",
    "sched_show_task",
    "show_state_filter",
    "panic",
    "vpanic",
    "nmi_panic",
    "check_panic_on_warn",
    "panic_other_cpus_shutdown",
    "crash_kexec",
    "__crash_kexec",
    "oops_end",
    "oops_begin",
    "die",
    "__die*",
    "die_addr",
    "die_kernel_fault",
    "no_context",
    "page_fault_oops",
    "bad_area*",
    "__bad_area*",
    "kernelmode_fixup_or_oops",
    "report_bug",
    "handle_bug",
    "__warn",
    "warn_slowpath*",
    "__report_bug",
    "fixup_exception",
    "out_of_line_warn",
    "rcu_dump_cpu_stacks",
    "dump_cpu_task",
    "print_cpu_stall*",
    "rcu_sched_clock_irq",
    "trigger_single_cpu_backtrace",
    "nmi_cpu_backtrace*",
    "nmi_trigger_cpumask_backtrace",
    // faults and interrupts on their way in
    "do_trap*",
    "do_error_trap",
    "do_invalid_op",
    "invalid_op",
    "do_general_protection",
    "general_protection",
    "page_fault",
    "do_page_fault",
    "__do_page_fault",
    "do_user_addr_fault",
    "do_kern_addr_fault",
    "exc_*",
    "asm_*",
    "error_entry",
    "error_exit",
    "ret_from_intr",
    "common_interrupt",
    "apic_timer_interrupt",
    "sysvec_*",
    "__sysvec_*",
    "smp_apic_timer_interrupt",
    "default_do_nmi",
    "do_nmi",
    "nmi_handle",
    "end_repeat_nmi",
    "nmi_restore",
    "unknown_nmi_error",
    "instr_sysvec*",
    "__irqentry_text_*",
    "watchdog_timer_fn",
    "hrtimer_interrupt",
    "__hrtimer_run_queues",
    "hrtimer_run_queues",
    "watchdog_overflow_callback",
    "__perf_event_overflow",
    "perf_event_*",
    "handle_pmi_common",
    "intel_pmu_handle_irq",
    "watchdog_hardlockup_check",
    "tick_*",
    "update_process_times",
    "scheduler_tick",
    "sched_tick",
    // waiting
    "__schedule",
    "schedule*",
    "__switch_to*",
    "io_schedule*",
    "preempt_schedule*",
    "__cond_resched",
    "wait_for_*",
    "__wait_for_common",
    "do_wait_for_common",
    "mutex_lock*",
    "__mutex_lock*",
    "down_read*",
    "down_write*",
    "__down_*",
    "rwsem_*",
    "percpu_rwsem_*",
    "percpu_down_*",
    "__percpu_down_*",
    "__wait_on_bit*",
    "out_of_line_wait_on_bit*",
    "bit_wait*",
    "usleep_range*",
    "msleep*",
    "__flush_work",
    "flush_work",
    "prepare_to_wait*",
    // the way from user space, and of kernel threads
    "do_syscall_64",
    "do_syscall_x64",
    "x64_sys_call",
    "__do_sys_*",
    "__se_sys_*",
    "__x64_sys_*",
    "entry_SYSCALL_*",
    "syscall_enter_*",
    "syscall_exit_*",
    "do_int80_*",
    "__do_fast_syscall_32",
    "do_fast_syscall_32",
    "ret_from_fork*",
    "kthread",
    "kthread_worker_fn",
    "worker_thread",
    "process_one_work",
    "process_scheduled_works",
};

bool is_telling(std::string_view name) {
  return std::none_of(std::begin(kNotTelling), std::end(kNotTelling), [&](std::string_view pattern) {
    return pattern.ends_with('*') ? name.starts_with(pattern.substr(0, pattern.size() - 1)) : name == pattern;
  });
}

std::string_view without_suffix(std::string_view name) {
  return name.substr(0, name.find('.'));
}

std::string telling_functions(const CrashTrace& trace) {
  std::string text;
  std::size_t count = 0;
  std::string_view last;
  const auto add = [&](std::string_view frame) {
    const std::string_view name = without_suffix(frame);
    if (name.empty() || name == last || !is_telling(name) || count == kFunctionsMax) return;
    text += count++ == 0 ? "" : " < ";
    text += last = name;
  };
  add(trace.function);
  for (const std::string& frame : trace.frames) add(frame);
  return text;
}

// "Kernel panic - not syncing: Attempted to eat 3 cakes" gives "Attempted to eat cakes".
std::string telling_words(std::string_view panic_text) {
  const std::string redacted = Redaction().redact(panic_text);
  const std::size_t colon = redacted.find(": ");
  std::string_view rest =
      colon == std::string::npos ? redacted : std::string_view(redacted).substr(colon + 2);
  std::string words;
  for (std::size_t count = 0; !rest.empty() && count < kWordsMax;) {
    const std::string_view word = rest.substr(0, rest.find(' '));
    rest.remove_prefix(std::min(word.size() + 1, rest.size()));
    const bool is_word = !word.empty() && std::all_of(word.begin(), word.end(), [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
             std::string_view("_-:,.!'").find(c) != std::string_view::npos;
    });
    if (!is_word) continue;
    words += count++ == 0 ? "" : " ";
    words += word;
  }
  return words;
}

}  // namespace

CrashSignature make_signature(const CrashTrace& trace, std::string_view panic_text) {
  CrashSignature signature;
  const CrashReason* reason = crash_reason(trace.reason);
  if (reason == nullptr) return signature;
  std::string detail = reason->trace_tells ? telling_functions(trace) : "";
  if (detail.empty() && reason == &kOtherPanic) detail = telling_words(panic_text);
  signature.text = detail.empty() ? trace.reason : trace.reason + ": " + detail;
  const auto digest = sha256_text(signature.text);
  if (!digest) return {};
  signature.version = kSignatureVersion;
  signature.key = fmt::format("w{}-{}", kSignatureVersion, digest->substr(0, kKeyDigits));
  return signature;
}

}  // namespace warmdump
