#include "kill_at_syscall.h"

#include <signal.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

namespace warmdump::test {

KillResult run_killed_at_syscall(int stop, const std::function<void()>& function) {
  const pid_t child = ::fork();
  if (child == 0) {
    if (::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) != 0) ::_exit(77);
    ::raise(SIGSTOP);
    function();
    ::_exit(0);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  if (!WIFSTOPPED(status)) return KillResult::cannot_trace;
  for (int count = 0; count < stop; ++count) {
    ::ptrace(PTRACE_SYSCALL, child, nullptr, nullptr);
    ::waitpid(child, &status, 0);
    if (WIFEXITED(status) || WIFSIGNALED(status)) return KillResult::finished;
  }
  ::kill(child, SIGKILL);
  ::waitpid(child, &status, 0);
  return KillResult::killed;
}

}  // namespace warmdump::test
