#include "cli/stop_signals.h"

#include <unistd.h>

#include <atomic>
#include <csignal>
#include <string_view>

#include "cli/command.h"

namespace warmdump {
namespace {

constexpr int kSignals[] = {SIGTERM, SIGINT, SIGHUP};
std::atomic<StopRequest*> to_stop = nullptr;

void on_signal(int) {
  if (StopRequest* const stop = to_stop.load()) stop->request();
  alarm(StopSignals::kPatienceSeconds);
}

void on_end_of_patience(int) {
  constexpr std::string_view kText =
      "warmdump: stopped in the middle of a request; the next run goes on from there\n";
  [[maybe_unused]] const ssize_t written = write(STDERR_FILENO, kText.data(), kText.size());
  _exit(kExitTemporary);
}

}  // namespace

StopSignals::StopSignals(StopRequest& stop) {
  to_stop = &stop;
  struct sigaction action {};
  action.sa_handler = on_signal;
  action.sa_flags = static_cast<int>(SA_RESETHAND);
  for (const int number : kSignals) ::sigaction(number, &action, nullptr);
  action.sa_handler = on_end_of_patience;
  ::sigaction(SIGALRM, &action, nullptr);
}

StopSignals::~StopSignals() {
  alarm(0);
  for (const int number : kSignals) std::signal(number, SIG_DFL);
  std::signal(SIGALRM, SIG_DFL);
  to_stop = nullptr;
}

}  // namespace warmdump
