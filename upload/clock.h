// Clock: the time of day and waiting, behind a seam so that tests wait in virtual time.

#pragma once

#include <chrono>

namespace warmdump {

class Clock {
 public:
  virtual ~Clock() = default;
  virtual std::chrono::system_clock::time_point now() = 0;
  virtual void sleep_for(std::chrono::milliseconds duration) = 0;
};

// The one of the system.
Clock& system_clock();

}  // namespace warmdump
