#include "upload/policy/backoff.h"

#include <algorithm>
#include <cstdint>

namespace warmdump {
namespace {

using std::chrono::seconds;

seconds part_of(seconds whole, double random) {
  return seconds(static_cast<std::int64_t>(static_cast<double>(whole.count()) * random));
}

}  // namespace

seconds backoff_wait(const Backoff& backoff, unsigned failures, std::optional<seconds> retry_after,
                     double random) {
  seconds upper = backoff.base;
  for (unsigned i = 1; i < failures && upper < backoff.cap; ++i) upper *= 2;
  const seconds wait = part_of(std::min(upper, backoff.cap), random);
  if (!retry_after) return wait;
  return std::max(wait, *retry_after + part_of(*retry_after / 10, random));
}

seconds probe_wait(double random) {
  constexpr seconds kHour{3600};
  return kHour - kHour / 4 + part_of(kHour / 2, random);
}

}  // namespace warmdump
