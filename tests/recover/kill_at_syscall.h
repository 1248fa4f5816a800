// Runs a function in a child process that dies of SIGKILL at its N-th system call.

#pragma once

#include <functional>

namespace warmdump::test {

enum class KillResult {
  killed,       // at the system call asked for
  finished,     // the function returned before it made that many
  cannot_trace  // this system does not allow ptrace(2)
};

// Each system call has two stops, before and after it is executed; `stop` counts both, from 1.
KillResult run_killed_at_syscall(int stop, const std::function<void()>& function);

}  // namespace warmdump::test
