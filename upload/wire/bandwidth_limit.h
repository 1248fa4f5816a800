// BandwidthLimit: a cap on the bytes per second of all connections that share it. Counted are bodies, not
// headers or what TLS adds to them.
//
// Fair by small turns: a connection asks for one quantum, and has to wait for its turn again before the next.

#pragma once

#include <chrono>
#include <memory>
#include <mutex>

#include "common/units.h"

namespace warmdump {

// The arithmetic: a bucket of `burst` bytes that fills at `rate`. It may be overdrawn; who overdraws it
// waits, and so does whoever comes after.
class TokenBucket {
 public:
  using Time = std::chrono::steady_clock::time_point;

  // Full at first. rate > 0; burst in bytes.
  TokenBucket(ByteCount bytes_per_second, ByteCount burst) : rate_(bytes_per_second), burst_(burst) {}

  // Takes the bytes and says when they may be sent: now or later. Times must not go back; one that does
  // counts as the latest before it.
  Time take(ByteCount bytes, Time now);

 private:
  std::chrono::nanoseconds time_of(ByteCount bytes) const;

  ByteCount rate_;
  ByteCount burst_;
  Time empty_until_ =
      Time::min();  // when all that was taken has been paid for; the past when the bucket has some left
};

class BandwidthLimit {
 public:
  // bytes_per_second > 0.
  explicit BandwidthLimit(ByteCount bytes_per_second);

  // How much to send in one turn: an eighth of a second's worth, 1 KiB at least, 16 KiB at most.
  ByteCount quantum() const { return quantum_; }
  // When these bytes may be sent. From any thread.
  std::chrono::steady_clock::time_point take(ByteCount bytes);

 private:
  ByteCount quantum_;
  std::mutex mutex_;
  TokenBucket bucket_;
};

// Null when bytes_per_second is 0: no cap.
std::shared_ptr<BandwidthLimit> make_bandwidth_limit(ByteCount bytes_per_second);

}  // namespace warmdump
