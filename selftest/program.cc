#include "selftest/program.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "common/hosted/unique_fd.h"

namespace warmdump {
namespace {

using SteadyClock = std::chrono::steady_clock;

// Exit codes of the child before it is the program: execve(2) failed with that errno.
struct ExecFailure {
  int system_errno = 0;
};

struct Pipe {
  UniqueFd reading;
  UniqueFd writing;
};

Outcome<Pipe> make_pipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return Failure::system("cannot make a pipe", errno);
  return Pipe{UniqueFd(ends[0]), UniqueFd(ends[1])};
}

[[noreturn]] void become_program(const char* program, char* const* argv, int output, int failure) {
  const int nothing = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  if (::dup2(nothing, STDIN_FILENO) >= 0 && ::dup2(output, STDOUT_FILENO) >= 0 &&
      ::dup2(output, STDERR_FILENO) >= 0) {
    ::execv(program, argv);
  }
  const ExecFailure why{errno};
  [[maybe_unused]] const ssize_t written = ::write(failure, &why, sizeof why);
  ::_exit(127);
}

// Reads until the other end is closed. False when the time is up first.
bool drain(int fd, SteadyClock::time_point end, std::string& text) {
  std::array<char, 4096> buffer;
  for (;;) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - SteadyClock::now()).count();
    if (left <= 0) return false;
    pollfd poll_fd{fd, POLLIN, 0};
    if (::poll(&poll_fd, 1, static_cast<int>(left)) == 0) return false;
    const ssize_t size = ::read(fd, buffer.data(), buffer.size());
    if (size == 0) return true;
    if (size < 0) {
      if (errno == EINTR) continue;
      return true;
    }
    text.append(buffer.data(), std::min(static_cast<std::size_t>(size), kProgramOutputMax - text.size()));
  }
}

int wait_for(pid_t child) {
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return status;
}

}  // namespace

Outcome<ProgramEnd> run_program(const std::string& program, const std::vector<std::string>& arguments,
                                std::chrono::seconds time_max) {
  std::vector<char*> argv{const_cast<char*>(program.c_str())};
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  Pipe output = TRY(make_pipe());
  Pipe failure = TRY(make_pipe());

  const auto end = SteadyClock::now() + time_max;
  const pid_t child = ::fork();
  if (child < 0) return Failure::system("cannot start " + program, errno);
  if (child == 0) become_program(program.c_str(), argv.data(), output.writing.get(), failure.writing.get());
  output.writing = UniqueFd();
  failure.writing = UniqueFd();

  ProgramEnd result;
  if (!drain(output.reading.get(), end, result.output)) {
    ::kill(child, SIGKILL);
    wait_for(child);
    return Failure(ErrorCode::timed_out,
                   fmt::format("{} did not end within {} s and was killed", program, time_max.count()));
  }
  const int status = wait_for(child);
  ExecFailure why;
  if (::read(failure.reading.get(), &why, sizeof why) == sizeof why) {
    return Failure::system("cannot start " + program, why.system_errno);
  }
  if (WIFSIGNALED(status)) {
    return Failure(ErrorCode::io, fmt::format("{} was ended by signal {} ({})", program, WTERMSIG(status),
                                              ::strsignal(WTERMSIG(status))));
  }
  result.exit_code = WEXITSTATUS(status);
  return result;
}

std::string last_line(const std::string& output) {
  const std::size_t end = output.find_last_not_of("\r\n ");
  if (end == std::string::npos) return {};
  const std::size_t start = output.find_last_of('\n', end);
  return output.substr(start == std::string::npos ? 0 : start + 1,
                       end - (start == std::string::npos ? 0 : start + 1) + 1);
}

}  // namespace warmdump
