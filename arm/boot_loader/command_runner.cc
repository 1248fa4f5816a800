#include "arm/boot_loader/command_runner.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>

#include "common/hosted/unique_fd.h"
#include "common/units.h"

namespace warmdump {
namespace {

constexpr ByteCount kOutputMax = kMiB;

using Clock = std::chrono::steady_clock;

Outcome<pid_t> spawn(const std::vector<std::string>& command, int output_fd) {
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, output_fd, STDOUT_FILENO);
  std::vector<char*> arguments;
  for (const std::string& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  pid_t pid = 0;
  const int error = ::posix_spawn(&pid, command[0].c_str(), &actions, nullptr, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) return Failure::system(fmt::format("cannot start {}", command[0]), error);
  return pid;
}

// Everything the program writes until it closes its output. What it says to nobody must not hold it up for
// ever.
Outcome<std::string> read_output(int fd, Clock::time_point deadline, const std::string& name) {
  std::string output;
  for (;;) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now()).count();
    if (left <= 0) return Failure(ErrorCode::timed_out, fmt::format("{} does not end", name));
    pollfd wanted{fd, POLLIN, 0};
    if (::poll(&wanted, 1, static_cast<int>(left)) < 0 && errno != EINTR) {
      return Failure::system(fmt::format("cannot wait for {}", name), errno);
    }
    if (wanted.revents == 0) continue;
    char bytes[4096];
    const ssize_t size = ::read(fd, bytes, sizeof bytes);
    if (size == 0) return output;
    if (size < 0) {
      if (errno == EINTR) continue;
      return Failure::system(fmt::format("cannot read the output of {}", name), errno);
    }
    output.append(bytes, static_cast<std::size_t>(size));
    if (output.size() > kOutputMax) {
      return Failure(ErrorCode::no_space, fmt::format("{} prints more than {} bytes", name, kOutputMax));
    }
  }
}

class SystemCommandRunner : public CommandRunner {
 public:
  Outcome<CommandResult> run(const std::vector<std::string>& command, unsigned timeout_s) override {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) return Failure::system("cannot make a pipe", errno);
    const UniqueFd read_end(ends[0]);
    UniqueFd write_end(ends[1]);
    const pid_t pid = TRY(spawn(command, write_end.get()));
    write_end = UniqueFd();
    auto output = read_output(read_end.get(), Clock::now() + std::chrono::seconds(timeout_s), command[0]);
    if (!output.has_value()) ::kill(pid, SIGKILL);
    int status = 0;
    while (::waitpid(pid, &status, 0) < 0) {
      if (errno != EINTR) return Failure::system(fmt::format("cannot wait for {}", command[0]), errno);
    }
    if (!output.has_value()) return output.error();
    return CommandResult{WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status),
                         std::move(*output)};
  }
};

}  // namespace

CommandRunner& system_command_runner() {
  static SystemCommandRunner runner;
  return runner;
}

}  // namespace warmdump
