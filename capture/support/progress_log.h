// Progress on the console: a line when a phase has got a tenth further, at most one a second. No heap.

#pragma once

#include <cstdint>

#include "common/stopwatch.h"
#include "common/units.h"

namespace warmdump {

class ProgressLog {
 public:
  // `name` must live as long as the phase. `total` is what update() counts up to.
  void begin_phase(const char* name, std::uint64_t total);
  // `bytes_stored`: on the region, over all phases.
  void update(std::uint64_t done, ByteCount bytes_stored);

 private:
  const char* name_ = "";
  std::uint64_t total_ = 0;
  std::uint64_t next_percent_ = 0;
  std::uint64_t next_line_ms_ = 0;
  Stopwatch stopwatch_;
};

}  // namespace warmdump
