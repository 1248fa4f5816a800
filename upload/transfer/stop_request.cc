#include "upload/transfer/stop_request.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstdint>

namespace warmdump {

Outcome<StopRequest> StopRequest::make() {
  UniqueFd event(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!event.valid()) return Failure::system("cannot make an event descriptor", errno);
  return StopRequest(std::move(event));
}

StopRequest::StopRequest(StopRequest&& other) noexcept
    : event_(std::move(other.event_)), is_requested_(other.is_requested_.load()) {}

void StopRequest::request() noexcept {
  const int saved_errno = errno;  // of whom a signal handler interrupts
  is_requested_.store(true, std::memory_order_relaxed);
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = write(event_.get(), &one, sizeof one);
  errno = saved_errno;
}

std::chrono::system_clock::time_point StoppableClock::now() {
  return system_clock().now();
}

std::chrono::milliseconds StoppableClock::since_boot() {
  return system_clock().since_boot();
}

void StoppableClock::sleep_for(std::chrono::milliseconds duration) {
  const auto end = since_boot() + duration;
  for (auto left = duration; left.count() > 0 && !stop_.is_requested(); left = end - since_boot()) {
    pollfd event{stop_.descriptor(), POLLIN, 0};
    poll(&event, 1, static_cast<int>(std::min<std::int64_t>(left.count(), INT_MAX)));
  }
}

}  // namespace warmdump
