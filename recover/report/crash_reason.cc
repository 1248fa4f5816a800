#include "recover/report/crash_reason.h"

#include <algorithm>
#include <iterator>

namespace warmdump {
namespace {

// To add one: a row before the rows whose text also stands in its line, and the line of a real log in the
// test. Words may be shared by rows; a word that was once used never gets another meaning.
constexpr CrashReason kFaults[] = {
    {"soft-lockup", "BUG: soft lockup"},
    {"hard-lockup", "atchdog detected hard LOCKUP"},
    {"hung-task", "INFO: task ", " blocked for more than "},
    {"rcu-stall", "rcu: INFO: ", "detected stall"},
    {"rcu-stall", "rcu: INFO: ", "self-detected stall"},
    {"null-pointer", "BUG: kernel NULL pointer dereference"},
    {"null-pointer", "unable to handle kernel NULL pointer dereference"},
    {"page-fault", "BUG: unable to handle page fault"},
    {"page-fault", "BUG: unable to handle kernel paging request"},
    {"stack-overflow", "BUG: stack guard page was hit"},
    {"stack-overflow", "BUG: TASK stack guard page was hit"},
    {"stack-overflow", "BUG: IRQ stack guard page was hit"},
    {"kasan", "BUG: KASAN: "},
    {"scheduling-while-atomic", "BUG: scheduling while atomic"},
    {"bug", "kernel BUG at "},
    {"general-protection", "general protection fault"},
    {"double-fault", "double fault: "},
    {"divide-error", "divide error: "},
    {"invalid-opcode", "invalid opcode: "},
    {"control-protection", "control protection fault"},
    {"control-protection", "Missing ENDBR: "},
    {"warning", "WARNING: CPU: "},
    {"warning", "WARNING: ", " at "},
    {"oops", "Oops: "},
};

// To add one: a row, and the line of a real log in the test.
constexpr CrashReason kPanics[] = {
    {"sysrq", "sysrq triggered crash"},
    {"out-of-memory", "Out of memory", "", false},
    {"out-of-memory", "out of memory", "", false},
    {"out-of-memory", "System is deadlocked on memory", "", false},
    {"init-died", "Attempted to kill init!", "", false},
    {"no-init", "No working init found", "", false},
    {"no-init", "Requested init ", "", false},
    {"no-root", "VFS: Unable to mount root fs", "", false},
    {"nmi", "NMI: Not continuing"},
    {"nmi", "NMI IOCK error: Not continuing"},
    {"nmi", "An NMI occurred"},
    {"hard-lockup", "Hard LOCKUP"},
    {"rcu-stall", "RCU Stall"},
    {"machine-check", "machine check"},
    {"machine-check", "Machine check"},
    {"stack-protector", "stack-protector: "},
    {"stack-overflow", "corrupted stack end detected"},
    {"hardware", "Fatal hardware error"},
};

// Panics that follow from a fault, and say only that.
constexpr const char* kFollowing[] = {
    "Fatal exception",           "softlockup: hung tasks", "hung_task: blocked tasks", "panic_on_warn set",
    "kernel: panic_on_warn set", "kasan.fault=panic set",  "Oops: Fatal exception",
};

bool matches(const CrashReason& reason, std::string_view line) {
  const std::size_t found = line.find(reason.text);
  return found != std::string_view::npos &&
         line.find(reason.also, found + std::string_view(reason.text).size()) != std::string_view::npos;
}

template <std::size_t Count>
const CrashReason* find_in(const CrashReason (&table)[Count], std::string_view line) {
  const auto* found = std::find_if(std::begin(table), std::end(table),
                                   [&](const CrashReason& reason) { return matches(reason, line); });
  return found == std::end(table) ? nullptr : found;
}

}  // namespace

const CrashReason kOtherPanic{"panic", ""};

const CrashReason* find_fault(std::string_view line) {
  return find_in(kFaults, line);
}

const CrashReason* find_panic_reason(std::string_view message) {
  const bool follows = std::any_of(std::begin(kFollowing), std::end(kFollowing),
                                   [&](const char* text) { return message.starts_with(text); });
  if (follows) return nullptr;
  const CrashReason* reason = find_in(kPanics, message);
  return reason == nullptr ? &kOtherPanic : reason;
}

const CrashReason* crash_reason(std::string_view word) {
  const auto has_word = [&](const CrashReason& reason) { return word == reason.word; };
  if (has_word(kOtherPanic)) return &kOtherPanic;
  const auto* fault = std::find_if(std::begin(kFaults), std::end(kFaults), has_word);
  if (fault != std::end(kFaults)) return fault;
  const auto* panic = std::find_if(std::begin(kPanics), std::end(kPanics), has_word);
  return panic == std::end(kPanics) ? nullptr : panic;
}

}  // namespace warmdump
