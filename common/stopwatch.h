// Time since a starting point, from the monotonic clock.

#pragma once

#include <time.h>

#include <cstdint>

namespace warmdump {

class Stopwatch {
 public:
  Stopwatch() : start_us_(now_us()) {}

  std::uint64_t elapsed_us() const { return now_us() - start_us_; }
  std::uint64_t elapsed_ms() const { return elapsed_us() / 1000; }

 private:
  static std::uint64_t now_us() {
    timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC, &now);
    return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000 +
           static_cast<std::uint64_t>(now.tv_nsec) / 1000;
  }

  std::uint64_t start_us_;
};

}  // namespace warmdump
