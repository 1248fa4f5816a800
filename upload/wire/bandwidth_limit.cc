#include "upload/wire/bandwidth_limit.h"

#include <algorithm>

namespace warmdump {
namespace {

using std::chrono::nanoseconds;
using std::chrono::steady_clock;

constexpr ByteCount kNanosecondsPerSecond = 1'000'000'000;

ByteCount quantum_of(ByteCount rate) {
  return std::clamp<ByteCount>(rate / 8, 1 * kKiB, 16 * kKiB);
}

}  // namespace

nanoseconds TokenBucket::time_of(ByteCount bytes) const {
  // Seconds apart from the rest, so that no product overflows below 18 GB/s.
  const ByteCount rest = bytes % rate_ * kNanosecondsPerSecond / rate_;
  return std::chrono::seconds(bytes / rate_) + nanoseconds(rest);
}

TokenBucket::Time TokenBucket::take(ByteCount bytes, Time now) {
  const Time full = now - time_of(burst_);
  const Time since = std::max(empty_until_, full);
  empty_until_ = since + time_of(bytes);
  return std::max(now, empty_until_);
}

BandwidthLimit::BandwidthLimit(ByteCount bytes_per_second)
    : quantum_(quantum_of(bytes_per_second)), bucket_(bytes_per_second, quantum_) {}

steady_clock::time_point BandwidthLimit::take(ByteCount bytes) {
  const std::lock_guard lock(mutex_);
  return bucket_.take(bytes, steady_clock::now());
}

std::shared_ptr<BandwidthLimit> make_bandwidth_limit(ByteCount bytes_per_second) {
  return bytes_per_second == 0 ? nullptr : std::make_shared<BandwidthLimit>(bytes_per_second);
}

}  // namespace warmdump
