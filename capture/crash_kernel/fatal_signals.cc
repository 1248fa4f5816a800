#include "capture/crash_kernel/fatal_signals.h"

#include <signal.h>
#include <ucontext.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>

#include "capture/support/mapped_faults.h"
#include "capture/support/raw_log.h"
#include "common/text.h"

namespace warmdump {
namespace {

struct FatalSignal {
  int number;
  std::string_view name;
  const char* what;
  int nearest_errno;
};
constexpr FatalSignal kFatalSignals[] = {
    {SIGSEGV, "SIGSEGV", "the capture itself failed (SIGSEGV)", EFAULT},
    {SIGBUS, "SIGBUS", "the capture itself failed (SIGBUS)", EIO},
    {SIGILL, "SIGILL", "the capture itself failed (SIGILL)", ENOEXEC},
    {SIGFPE, "SIGFPE", "the capture itself failed (SIGFPE)", EDOM},
    {SIGABRT, "SIGABRT", "the capture itself failed (SIGABRT)", EINTR},
    {SIGTRAP, "SIGTRAP", "the capture itself failed (SIGTRAP)", EINTR},
    {SIGSYS, "SIGSYS", "the capture itself failed (SIGSYS)", ENOSYS},
};

// The handler writes the header and logs a line; the header's CRC needs no stack to speak of.
constexpr std::size_t kStackSize = 32 * 1024;
alignas(16) std::byte stack[kStackSize];

void (*record_fault)(const Error& error);
void (*do_last_act)();
volatile sig_atomic_t fault_depth;

void on_fault(int number, siginfo_t* info, void* context) {
  if (number == SIGBUS && repair_mapped_fault(info->si_addr)) return;
  const int depth = fault_depth;
  fault_depth = depth + 1;
  if (depth == 0) {
    const auto* registers = static_cast<const ucontext_t*>(context)->uc_mcontext.gregs;
    Text<160> line;
    line << "the capture itself failed: " << fatal_signal_name(number) << " at address "
         << Hex{reinterpret_cast<std::uintptr_t>(info->si_addr)} << ", instruction "
         << Hex{static_cast<std::uint64_t>(registers[REG_RIP])};
    log_line(line.view());
    record_fault(fatal_signal_error(number));
  }
  if (depth <= 1) do_last_act();
  ::_exit(1);
}

const FatalSignal* find(int signal) {
  for (const FatalSignal& row : kFatalSignals) {
    if (row.number == signal) return &row;
  }
  return nullptr;
}

}  // namespace

Error fatal_signal_error(int signal) {
  const FatalSignal* row = find(signal);
  return {ErrorCode::crashed, WhereKind::nowhere, row != nullptr ? row->nearest_errno : 0,
          row != nullptr ? row->what : "the capture itself failed", 0};
}

std::string_view fatal_signal_name(int signal) {
  const FatalSignal* row = find(signal);
  return row != nullptr ? row->name : "signal";
}

void handle_fatal_signals(void (*record)(const Error& error), void (*last_act)()) {
  record_fault = record;
  do_last_act = last_act;
  const stack_t own_stack{.ss_sp = stack, .ss_flags = 0, .ss_size = sizeof(stack)};
  ::sigaltstack(&own_stack, nullptr);
  struct sigaction action {};
  action.sa_sigaction = on_fault;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER;
  for (const FatalSignal& row : kFatalSignals) ::sigaction(row.number, &action, nullptr);
}

}  // namespace warmdump
