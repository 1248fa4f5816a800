// How long something that failed rests before another run tries it. Full jitter, as within a run
// (transfer/retry_policy.h), with longer waits.

#pragma once

#include <chrono>
#include <optional>

namespace warmdump {

struct Backoff {
  std::chrono::seconds base{5 * 60};      // upper end of the first wait
  std::chrono::seconds cap{6 * 60 * 60};  // upper end of any wait
};

// `failures`: runs in a row that failed, this one included, from 1. A Retry-After of the server is the lower
// bound, with up to a tenth of it added. random is in [0, 1).
std::chrono::seconds backoff_wait(const Backoff& backoff, unsigned failures,
                                  std::optional<std::chrono::seconds> retry_after, double random);

// Until a place that needs somebody to change something is tried again: an hour, more or less a quarter.
std::chrono::seconds probe_wait(double random);

}  // namespace warmdump
