#include "upload/wire/asio/watchdog.h"

#include <fmt/format.h>

#include <algorithm>

namespace warmdump::wire {
namespace {

double seconds(std::chrono::milliseconds duration) {
  return static_cast<double>(duration.count()) / 1000;
}

}  // namespace

void Watchdog::arm(std::chrono::milliseconds duration, std::string what) {
  start(duration, [this, duration, what = std::move(what)] {
    expire(fmt::format("no {} within {} s", what, seconds(duration)));
  });
}

void Watchdog::arm_progress(std::chrono::milliseconds window, ByteCount least, const ByteCount& counter,
                            std::function<Duration()> waited) {
  const Duration waited_before = waited();
  start(window,
        [this, window, least, &counter, waited = std::move(waited), bytes_before = counter, waited_before] {
          const double busy = 1 - std::chrono::duration<double>(waited() - waited_before) / window;
          const double wanted = static_cast<double>(least) * std::max(busy, 0.0);
          const ByteCount bytes = counter - bytes_before;
          if (static_cast<double>(bytes) >= wanted) return arm_progress(window, least, counter, waited);
          expire(fmt::format("the connection stalled: {} bytes in {} s", bytes, seconds(window)));
        });
}

void Watchdog::disarm() {
  ++generation_;
  timer_.cancel();
}

void Watchdog::start(std::chrono::milliseconds duration, std::function<void()> on_expiry) {
  timer_.expires_after(duration);
  // An expiry that was already queued when the timer was set anew carries no error; its number tells.
  timer_.async_wait([this, mine = ++generation_, on_expiry = std::move(on_expiry)](error_code error) {
    if (!error && mine == generation_) on_expiry();
  });
}

void Watchdog::expire(std::string reason) {
  reason_ = std::move(reason);
  error_code ignored;
  socket_.close(ignored);
}

}  // namespace warmdump::wire
