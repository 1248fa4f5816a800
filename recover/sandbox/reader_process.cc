#include "recover/sandbox/reader_process.h"

#include <fmt/format.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <new>
#include <thread>
#include <utility>

#include "common/hosted/interruption.h"
#include "recover/sandbox/extractor_messages.h"

namespace warmdump {
namespace {

constexpr int kOutOfMemory = 71;                        // exit code of the child
constexpr auto kEndByItself = std::chrono::seconds(5);  // of a child that may not be killed
constexpr auto kLook = std::chrono::milliseconds(10);

[[noreturn]] void run_child(Confinement confinement, int socket, const ReaderProgram& program) {
  leave_interruptions_to_the_parent();
  ::signal(SIGPIPE, SIG_IGN);
  confinement.descriptors.push_back(socket);
  const Confined confined = confine(confinement);
  try {
    if (send_message(socket, confined_message(confined.missing))) program(socket, confined.directory);
  } catch (const std::bad_alloc&) {
    ::_exit(kOutOfMemory);
  } catch (...) {
    ::_exit(1);
  }
  ::_exit(0);
}

std::string of_the_reader(const std::string& what) {
  return "the process that reads the dump " + what;
}

}  // namespace

Outcome<ReaderProcess> ReaderProcess::start(Confinement confinement, const MessageReceiver::Limits& limits,
                                            const ReaderProgram& program) {
  int sockets[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets) != 0) {
    return Failure::system("cannot make a socket to the process that reads the dump", errno);
  }
  UniqueFd ours(sockets[0]);
  const UniqueFd theirs(sockets[1]);
  const ByteCount memory_max = confinement.memory_max;
  const pid_t pid = ::fork();
  if (pid < 0) return Failure::system("cannot start a process that reads the dump", errno);
  if (pid == 0) run_child(std::move(confinement), theirs.get(), program);
  return ReaderProcess(pid, std::move(ours), memory_max, limits);
}

ReaderProcess::ReaderProcess(pid_t pid, UniqueFd socket, ByteCount memory_max,
                             const MessageReceiver::Limits& limits)
    : pid_(pid), socket_(std::move(socket)), receiver_(socket_.get(), limits), memory_max_(memory_max) {}

ReaderProcess::ReaderProcess(ReaderProcess&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)),
      socket_(std::move(other.socket_)),
      receiver_(other.receiver_),
      memory_max_(other.memory_max_),
      status_(other.status_) {}

ReaderProcess::~ReaderProcess() {
  if (pid_ > 0) (void)stop();
}

Outcome<std::vector<std::string>> ReaderProcess::missing_walls() {
  const nlohmann::json message = TRY(next());
  if (type_of(message) != "confined")
    return catch_lying(Failure(ErrorCode::corrupt, "did not say how it is confined"));
  auto missing = missing_of(message);
  if (!missing.has_value()) return catch_lying(missing.error());
  return missing;
}

Outcome<void> ReaderProcess::ask(char request, std::span<const char> more) {
  TRY(tell({&request, 1}));
  return tell(more);
}

Outcome<void> ReaderProcess::tell(std::span<const char> bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && (errno == EPIPE || errno == ECONNRESET)) return {};
    if (count < 0) return Failure::system("cannot talk to the process that reads the dump", errno);
    bytes = bytes.subspan(static_cast<std::size_t>(count));
  }
  return {};
}

Outcome<nlohmann::json> ReaderProcess::next() {
  for (;;) {
    auto message = receiver_.next();
    if (!message.has_value() && is_interruption(message.error())) {
      TRY(stop());
      return std::move(message.error());
    }
    if (!message.has_value()) return catch_lying(message.error());
    if (*message && type_of(**message) == "alive") continue;
    if (*message) return std::move(**message);
    // The kernel has noted how a process ends before it closes its descriptors: a kill hides nothing.
    TRY(stop());
    return Failure(ErrorCode::crashed, of_the_reader(how_it_ended()));
  }
}

Failure ReaderProcess::catch_lying(const Failure& what) {
  const auto stopped = stop();
  Failure failure(what.code, of_the_reader(what.message) + ", and was killed");
  if (!stopped.has_value()) failure.message = of_the_reader(what.message) + "; " + stopped.error().message;
  failure.system_errno = what.system_errno;
  return failure;
}

Outcome<void> ReaderProcess::stop() {
  if (status_) return {};
  ::shutdown(socket_.get(), SHUT_RDWR);
  int status = 0;
  const auto give_up = std::chrono::steady_clock::now() + kEndByItself;
  for (bool may_wait = false;;) {
    const pid_t gone = ::waitpid(pid_, &status, may_wait ? 0 : WNOHANG);
    if (gone < 0 && errno == EINTR) continue;
    if (gone != 0) break;
    if (::kill(pid_, SIGKILL) == 0) {
      may_wait = true;
    } else if (std::chrono::steady_clock::now() > give_up) {
      return Failure(ErrorCode::busy, "it cannot be killed (CAP_KILL)");
    } else {
      std::this_thread::sleep_for(kLook);
    }
  }
  status_ = status;
  return {};
}

std::string ReaderProcess::how_it_ended() const {
  const int status = *status_;
  if (WIFSIGNALED(status)) {
    switch (WTERMSIG(status)) {
      case SIGSYS:
        return "was stopped at a system call that it must not make";
      case SIGKILL:
        return "was killed; is memory short?";
      case SIGXFSZ:
        return fmt::format("was stopped at a file of more than {} GiB", kFileSizeMax / kGiB);
      default:
        return fmt::format("died of signal {} ({})", WTERMSIG(status), ::strsignal(WTERMSIG(status)));
    }
  }
  if (WEXITSTATUS(status) == kOutOfMemory) {
    return fmt::format("needs more memory than the {} MiB that it may have", memory_max_ / kMiB);
  }
  return fmt::format("ended before it was done (exit code {})", WEXITSTATUS(status));
}

}  // namespace warmdump
