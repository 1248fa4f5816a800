#include "common/hosted/interruption.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>

#include "common/hosted/unique_fd.h"

namespace warmdump {
namespace {

constexpr std::array kSignals{SIGINT, SIGTERM, SIGHUP};

volatile sig_atomic_t came = 0;
bool is_told = false;                // to somebody who acts on it
volatile sig_atomic_t wake_up = -1;  // end of the pipe to write to

struct Watch {
  UniqueFd reading;
  UniqueFd writing;
  std::array<struct sigaction, kSignals.size()> before{};
};
std::optional<Watch> watch;

void note(int signal) {
  const int saved_errno = errno;
  came = signal;
  if (wake_up >= 0) (void)!::write(wake_up, "", 1);
  errno = saved_errno;
}

}  // namespace

InterruptionWatch::InterruptionWatch() {
  if (watch) return;
  is_outermost_ = true;
  watch.emplace();
  int ends[2];
  // Without one, a signal is seen at the next look instead of at once.
  if (::pipe2(ends, O_CLOEXEC | O_NONBLOCK) == 0) {
    watch->reading = UniqueFd(ends[0]);
    watch->writing = UniqueFd(ends[1]);
    wake_up = ends[1];
  }
  struct sigaction noting {};
  noting.sa_handler = note;
  noting.sa_flags = static_cast<int>(SA_RESETHAND);
  for (std::size_t i = 0; i < kSignals.size(); ++i) {
    ::sigaction(kSignals[i], nullptr, &watch->before[i]);
    if (watch->before[i].sa_handler != SIG_IGN) ::sigaction(kSignals[i], &noting, nullptr);
  }
}

InterruptionWatch::~InterruptionWatch() {
  if (!is_outermost_) return;
  for (std::size_t i = 0; i < kSignals.size(); ++i) ::sigaction(kSignals[i], &watch->before[i], nullptr);
  wake_up = -1;
  watch.reset();
  // It came behind the last look: what it would have done without a watch, it does now.
  if (came != 0 && !is_told) ::raise(came);
}

int interruption_descriptor() {
  return watch ? watch->reading.get() : -1;
}

int interruption_signal() {
  return came;
}

std::optional<Failure> interruption() {
  if (came == 0) return std::nullopt;
  is_told = true;
  Failure failure(ErrorCode::io, fmt::format("interrupted by SIG{}", ::sigabbrev_np(came)));
  failure.system_errno = EINTR;
  return failure;
}

bool is_interruption(const Failure& failure) {
  return came != 0 && failure.system_errno == EINTR;
}

void leave_interruptions_to_the_parent() {
  for (const int signal : kSignals) ::signal(signal, SIG_IGN);
}

}  // namespace warmdump
