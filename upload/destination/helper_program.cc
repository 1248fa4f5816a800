#include "upload/destination/helper_program.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <optional>

#include "common/hosted/unique_fd.h"

extern char** environ;

namespace warmdump {
namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr std::size_t kInputMax = 32 * 1024;  // less than a pipe holds, so writing it never waits
constexpr int kLookAtChildMilliseconds = 50;  // a grandchild may keep the pipes open after the end

struct Pipe {
  UniqueFd reading;
  UniqueFd writing;
};

Outcome<Pipe> make_pipe() {
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) return Failure::system("cannot make a pipe", errno);
  return Pipe{UniqueFd(ends[0]), UniqueFd(ends[1])};
}

class SpawnSettings {
 public:
  SpawnSettings(int input, int output, int errors) {
    posix_spawn_file_actions_init(&actions_);
    posix_spawn_file_actions_adddup2(&actions_, input, STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions_, output, STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&actions_, errors, STDERR_FILENO);
    posix_spawnattr_init(&attributes_);
    sigset_t none;
    sigset_t all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_setsigmask(&attributes_, &none);
    posix_spawnattr_setsigdefault(&attributes_, &all);
    posix_spawnattr_setpgroup(&attributes_, 0);
    posix_spawnattr_setflags(&attributes_,
                             POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  }
  ~SpawnSettings() {
    posix_spawn_file_actions_destroy(&actions_);
    posix_spawnattr_destroy(&attributes_);
  }
  SpawnSettings(const SpawnSettings&) = delete;
  SpawnSettings& operator=(const SpawnSettings&) = delete;

  int spawn(pid_t& child, char* const* arguments) const {
    return posix_spawn(&child, arguments[0], &actions_, &attributes_, arguments, environ);
  }

 private:
  posix_spawn_file_actions_t actions_{};
  posix_spawnattr_t attributes_{};
};

// A child that is killed with its whole group, and reaped, at the latest when this goes.
class Child {
 public:
  explicit Child(pid_t pid) : pid_(pid) {}
  ~Child() { end(); }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  bool has_ended() const {
    siginfo_t info{};
    return waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
           info.si_pid == pid_;
  }

  // Not reaped before the group is killed: the number of a group lives as long as its leader.
  int end() {
    if (pid_ < 0) return status_;
    ::kill(-pid_, SIGKILL);
    while (waitpid(pid_, &status_, 0) < 0 && errno == EINTR) {
    }
    pid_ = -1;
    return status_;
  }

 private:
  pid_t pid_;
  int status_ = 0;
};

// Reads what is there. False at the end of the stream.
bool read_some(int fd, std::string& text, ByteCount keep_max) {
  std::array<char, 4096> buffer;
  const ssize_t size = read(fd, buffer.data(), buffer.size());
  if (size < 0) return errno == EINTR || errno == EAGAIN;
  const std::size_t room = keep_max > text.size() ? keep_max - text.size() : 0;
  text.append(buffer.data(), std::min(static_cast<std::size_t>(size), room));
  return size > 0;
}

// Until both streams end or the child has. A failure when a limit is passed.
Outcome<void> listen(const Child& child, UniqueFd output, UniqueFd errors, const HelperLimits& limits,
                     HelperEnd& end) {
  const auto last = SteadyClock::now() + limits.time;
  for (bool has_ended = false; output.valid() || errors.valid() || !has_ended;) {
    std::array<pollfd, 2> items{pollfd{output.get(), POLLIN, 0}, pollfd{errors.get(), POLLIN, 0}};
    const int ready = poll(items.data(), items.size(), has_ended ? 0 : kLookAtChildMilliseconds);
    if (ready <= 0 && has_ended) return {};
    if (items[0].revents != 0 && !read_some(output.get(), end.output, limits.output + 1)) output = UniqueFd();
    if (items[1].revents != 0 && !read_some(errors.get(), end.errors, limits.errors)) errors = UniqueFd();
    if (end.output.size() > limits.output) {
      return Failure(ErrorCode::no_space, fmt::format("says more than {} bytes", limits.output));
    }
    has_ended = has_ended || child.has_ended();
    if (SteadyClock::now() < last) continue;
    if (has_ended) return {};  // what a grandchild still says does not count
    return Failure(ErrorCode::timed_out,
                   fmt::format("did not end within {} s", static_cast<double>(limits.time.count()) / 1000));
  }
  return {};
}

Outcome<HelperEnd> run(const std::vector<std::string>& arguments, std::string_view input,
                       const HelperLimits& limits) {
  if (input.size() > kInputMax) return Failure(ErrorCode::invalid, "is given too much");
  Pipe in = TRY(make_pipe());
  Pipe out = TRY(make_pipe());
  Pipe error = TRY(make_pipe());
  if (write(in.writing.get(), input.data(), input.size()) != static_cast<ssize_t>(input.size())) {
    return Failure::system("cannot write to a pipe", errno);
  }
  std::vector<char*> argv;
  for (const auto& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);

  pid_t pid = -1;
  const SpawnSettings settings(in.reading.get(), out.writing.get(), error.writing.get());
  const int failed = settings.spawn(pid, argv.data());
  if (failed != 0) return Failure::system("cannot be started", failed);
  Child child(pid);
  in = {};
  out.writing = UniqueFd();
  error.writing = UniqueFd();

  HelperEnd end;
  TRY(listen(child, std::move(out.reading), std::move(error.reading), limits, end));
  const int status = child.end();
  if (WIFSIGNALED(status)) {
    return Failure(ErrorCode::io,
                   fmt::format("was ended by signal {} ({})", WTERMSIG(status), strsignal(WTERMSIG(status))));
  }
  end.exit_code = WEXITSTATUS(status);
  return end;
}

}  // namespace

Outcome<HelperEnd> run_helper(const std::vector<std::string>& arguments, std::string_view input,
                              const HelperLimits& limits) {
  if (arguments.empty() || !arguments.front().starts_with('/')) {
    return Failure(ErrorCode::invalid, "a program must be given by its absolute path");
  }
  return in_context(arguments.front(), run(arguments, input, limits));
}

}  // namespace warmdump
