// Progress of the whole capture on the console: how far, how fast, how long yet. No heap.

#pragma once

#include <cstdint>

#include "capture/support/deadline.h"
#include "common/units.h"

namespace warmdump {

// Where a capture is; `done` counts up to `total` over all phases, in whatever unit.
struct Progress {
  const char* phase = "";
  std::uint64_t done = 0;
  std::uint64_t total = 0;  // 0: not known yet
  ByteCount bytes_raw = 0;  // memory stored, before compression
  ByteCount bytes_stored = 0;
};

class ProgressLog {
 public:
  // `clock` must outlive this object. The capture has begun at `start_ms` of it.
  ProgressLog(const Clock& clock, std::uint64_t start_ms) : clock_(clock), start_ms_(start_ms) {}

  // True when a line is due: a second after the last one when `progress` has got a tenth further or entered
  // another phase, three seconds after it in any case.
  bool is_due(const Progress& progress) const;

  // Logs a line, due or not.
  void log(const Progress& progress);

 private:
  static std::uint64_t percent(const Progress& progress);

  const Clock& clock_;
  std::uint64_t start_ms_;
  std::uint64_t last_line_ms_ = 0;  // since the start
  std::uint64_t last_percent_ = 0;
  const char* last_phase_ = "";
};

}  // namespace warmdump
