// ManualClock: a Clock that a test turns; with a step, every look at it costs time.

#pragma once

#include "capture/support/deadline.h"

namespace warmdump::test {

class ManualClock final : public Clock {
 public:
  std::uint64_t now_ms() const override {
    time_ms += step_ms;
    return time_ms;
  }

  mutable std::uint64_t time_ms = 0;
  std::uint64_t step_ms = 0;
};

}  // namespace warmdump::test
