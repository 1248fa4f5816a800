// Deadline: the moment after which the capture takes no more pages and closes the dump. No heap.

#pragma once

#include <time.h>

#include <cstdint>

namespace warmdump {

// The seam to time; tests have a clock they turn themselves.
class Clock {
 public:
  // Milliseconds since some fixed moment; never goes back.
  virtual std::uint64_t now_ms() const = 0;

 protected:
  ~Clock() = default;
};

class MonotonicClock final : public Clock {
 public:
  std::uint64_t now_ms() const override {
    timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC, &now);
    return static_cast<std::uint64_t>(now.tv_sec) * 1000 +
           static_cast<std::uint64_t>(now.tv_nsec) / 1'000'000;
  }
};

class Deadline {
 public:
  Deadline() = default;  // never passes

  // Passes `limit_ms` after `start_ms`, a time of `clock`, which must outlive this object.
  Deadline(const Clock& clock, std::uint64_t start_ms, std::uint64_t limit_ms)
      : clock_(&clock), end_ms_(limit_ms > UINT64_MAX - start_ms ? UINT64_MAX : start_ms + limit_ms) {}

  bool passed() const { return left_ms() == 0; }

  // UINT64_MAX when there is no deadline.
  std::uint64_t left_ms() const {
    if (clock_ == nullptr) return UINT64_MAX;
    const std::uint64_t now = clock_->now_ms();
    return now < end_ms_ ? end_ms_ - now : 0;
  }

 private:
  const Clock* clock_ = nullptr;
  std::uint64_t end_ms_ = 0;
};

}  // namespace warmdump
