// Where the time of a PmemRegions goes, so that what is the kernel's can be told from what is ours.

#pragma once

#include <cstdint>

#include "common/stopwatch.h"

namespace warmdump {

struct RegionTimes {
  std::uint64_t looking_us = 0;  // reading sysfs through libndctl and libdaxctl
  std::uint64_t modules_us = 0;  // modprobe, and the kernel initializing modules
  std::uint64_t kernel_us = 0;   // the kernel changing drivers, and adding, removing and moving memory
};

// Adds its own lifetime to a part.
class TimedPart {
 public:
  explicit TimedPart(std::uint64_t& part_us) : part_us_(part_us) {}
  TimedPart(const TimedPart&) = delete;
  TimedPart& operator=(const TimedPart&) = delete;
  ~TimedPart() { part_us_ += stopwatch_.elapsed_us(); }

 private:
  std::uint64_t& part_us_;
  Stopwatch stopwatch_;
};

}  // namespace warmdump
