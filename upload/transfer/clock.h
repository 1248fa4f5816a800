// Clock: the time of day, the time since the boot and waiting, behind a seam so that tests wait in virtual
// time.

#pragma once

#include <chrono>

namespace warmdump {

class Clock {
 public:
  virtual ~Clock() = default;
  virtual std::chrono::system_clock::time_point now() = 0;
  // Of the machine: CLOCK_BOOTTIME, which counts suspend and which nobody sets.
  virtual std::chrono::milliseconds since_boot() = 0;
  // May return early, for a reason that the caller finds out by itself (transfer/stop_request.h).
  virtual void sleep_for(std::chrono::milliseconds duration) = 0;
};

// The one of the system.
Clock& system_clock();

}  // namespace warmdump
