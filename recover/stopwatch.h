// Stopwatch: milliseconds since it was made.

#pragma once

#include <chrono>
#include <cstdint>

namespace warmdump {

class Stopwatch {
 public:
  std::uint64_t elapsed_ms() const {
    const auto elapsed = std::chrono::steady_clock::now() - begin_;
    return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(elapsed).count());
  }

 private:
  std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
};

}  // namespace warmdump
