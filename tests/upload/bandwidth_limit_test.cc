#include "upload/wire/bandwidth_limit.h"

#include <gtest/gtest.h>

#include <vector>

namespace warmdump {
namespace {

using namespace std::chrono_literals;
using Time = TokenBucket::Time;

const Time kStart{1h};

TEST(TokenBucket, FullOneGivesItsBurstAtOnceAndThenItsRate) {
  TokenBucket bucket(1000, 500);
  EXPECT_EQ(bucket.take(500, kStart), kStart);
  EXPECT_EQ(bucket.take(100, kStart), kStart + 100ms);
  EXPECT_EQ(bucket.take(100, kStart), kStart + 200ms);
}

TEST(TokenBucket, RestFillsItUpToItsBurstAndNoFurther) {
  TokenBucket bucket(1000, 500);
  bucket.take(500, kStart);
  const Time later = kStart + 24h;
  EXPECT_EQ(bucket.take(500, later), later);
  EXPECT_EQ(bucket.take(1, later), later + 1ms);
}

TEST(TokenBucket, TimeThatGoesBackGivesNothing) {
  TokenBucket bucket(1000, 500);
  bucket.take(500, kStart);
  EXPECT_EQ(bucket.take(500, kStart - 1h), kStart + 500ms);
}

TEST(TokenBucket, KeepsItsRateOverADayOfAnySizes) {
  constexpr ByteCount kRate = 128 * kKiB;
  TokenBucket bucket(kRate, 16 * kKiB);
  Time now = kStart;
  ByteCount sent = 0;
  for (ByteCount size = 1; now < kStart + 24h; size = size * 7 % 16381 + 1) {
    now = bucket.take(size, now);
    sent += size;
  }
  const double seconds = std::chrono::duration<double>(now - kStart).count();
  EXPECT_NEAR(static_cast<double>(sent) / seconds, kRate, kRate * 1e-4);
}

// Whoever has sent asks again, behind those who wait already.
TEST(TokenBucket, IsFairToThoseWhoTakeTurns) {
  TokenBucket bucket(64 * kKiB, 8 * kKiB);
  struct Connection {
    Time ready = kStart;
    ByteCount sent = 0;
  };
  std::vector<Connection> connections(3);
  for (int turn = 0; turn < 3000; ++turn) {
    auto* next = &connections[0];
    for (auto& one : connections) {
      if (one.ready < next->ready) next = &one;
    }
    next->ready = bucket.take(8 * kKiB, next->ready);
    next->sent += 8 * kKiB;
  }
  for (const auto& one : connections) EXPECT_NEAR(static_cast<double>(one.sent), 1000 * 8 * kKiB, 8 * kKiB);
}

TEST(TokenBucket, NumbersDoNotOverflow) {
  TokenBucket slow(1, 1);
  EXPECT_EQ(slow.take(4 * kGiB, kStart) - kStart, std::chrono::seconds(4 * kGiB - 1));
  TokenBucket fast(10 * kGiB, kMiB);
  EXPECT_LT(fast.take(100 * kGiB, kStart) - kStart, 10s);
}

TEST(BandwidthLimit, QuantumIsSmallEnoughToShare) {
  EXPECT_EQ(BandwidthLimit(100).quantum(), 1 * kKiB);
  EXPECT_EQ(BandwidthLimit(64 * kKiB).quantum(), 8 * kKiB);
  EXPECT_EQ(BandwidthLimit(1 * kGiB).quantum(), 16 * kKiB);
  EXPECT_EQ(make_bandwidth_limit(0), nullptr);
}

}  // namespace
}  // namespace warmdump
