// Watchdog: closes a socket when a phase takes too long, so that whatever is pending on it fails.

#pragma once

#include <chrono>
#include <functional>
#include <string>

#include "common/units.h"
#include "upload/wire/asio/coroutine.h"

namespace warmdump::wire {

class Watchdog {
 public:
  using Duration = std::chrono::steady_clock::duration;

  // Both outlive it, and the context has run dry before it ends.
  Watchdog(asio::io_context& context, tcp::socket& socket) : timer_(context), socket_(socket) {}

  // Expires after `duration` with "no <what> within N s".
  void arm(std::chrono::milliseconds duration, std::string what);
  // Expires when `counter` grows by less than `least` in any span of `window`. Time that we spent waiting
  // ourselves, which `waited` gives summed up to now, takes its share of what has to be reached.
  void arm_progress(std::chrono::milliseconds window, ByteCount least, const ByteCount& counter,
                    std::function<Duration()> waited);
  void disarm();

  bool expired() const { return !reason_.empty(); }
  const std::string& reason() const { return reason_; }

 private:
  void start(std::chrono::milliseconds duration, std::function<void()> on_expiry);
  void expire(std::string reason);

  asio::steady_timer timer_;
  tcp::socket& socket_;
  unsigned generation_ = 0;
  std::string reason_;
};

}  // namespace warmdump::wire
