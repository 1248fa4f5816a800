#include "upload/transfer/retry_policy.h"

#include <gtest/gtest.h>

namespace warmdump {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

RetryDecision decide(const RetryPolicy& policy, unsigned in_a_row, double random,
                     std::optional<seconds> retry_after = {}, Remedy remedy = Remedy::wait) {
  SendFailure failure(Failure(ErrorCode::io, "broken"), remedy);
  failure.retry_after = retry_after;
  return decide_retry(policy, failure, {in_a_row, 0, 0}, random);
}

TEST(RetryPolicy, MeaningOfStatus) {
  const struct {
    unsigned status;
    StatusMeaning meaning;
  } cases[] = {
      {200, StatusMeaning::stored},    {201, StatusMeaning::stored},    {204, StatusMeaning::stored},
      {202, StatusMeaning::permanent}, {207, StatusMeaning::permanent}, {301, StatusMeaning::redirect},
      {302, StatusMeaning::redirect},  {307, StatusMeaning::redirect},  {308, StatusMeaning::redirect},
      {400, StatusMeaning::permanent}, {401, StatusMeaning::permanent}, {403, StatusMeaning::permanent},
      {404, StatusMeaning::permanent}, {405, StatusMeaning::permanent}, {407, StatusMeaning::permanent},
      {408, StatusMeaning::temporary}, {409, StatusMeaning::permanent}, {413, StatusMeaning::permanent},
      {417, StatusMeaning::permanent}, {425, StatusMeaning::temporary}, {429, StatusMeaning::temporary},
      {500, StatusMeaning::temporary}, {501, StatusMeaning::permanent}, {502, StatusMeaning::temporary},
      {503, StatusMeaning::temporary}, {504, StatusMeaning::temporary}, {505, StatusMeaning::permanent},
      {507, StatusMeaning::temporary}, {511, StatusMeaning::permanent}, {600, StatusMeaning::permanent},
  };
  for (const auto& c : cases) EXPECT_EQ(meaning_of_status(c.status), c.meaning) << c.status;
}

TEST(RetryPolicy, WaitsAreDrawnBelowADoublingBound) {
  const RetryPolicy policy{.attempts_max = 100};
  const auto longest = [&](unsigned failed) { return decide(policy, failed, 0.999999).delay; };
  EXPECT_NEAR(static_cast<double>(longest(1).count()), 1000, 1);
  EXPECT_NEAR(static_cast<double>(longest(2).count()), 2000, 1);
  EXPECT_NEAR(static_cast<double>(longest(5).count()), 16000, 1);
  EXPECT_LE(longest(50), policy.cap);
  EXPECT_GE(longest(99), policy.cap - seconds(1));
  EXPECT_EQ(decide(policy, 50, 0).delay, milliseconds(0));
}

TEST(RetryPolicy, EndsAfterItsAttempts) {
  const RetryPolicy policy{.attempts_max = 3};
  EXPECT_TRUE(decide(policy, 2, 0.5).again);
  EXPECT_FALSE(decide(policy, 3, 0.5).again);
  EXPECT_FALSE(decide(policy, 1, 0.5, {}, Remedy::change_sink).again);
  EXPECT_FALSE(decide(policy, 1, 0.5, seconds(1), Remedy::give_dump_up).again);
}

TEST(RetryPolicy, DamageAndLostSessionsAreTriedAgainAtOnceButNotForEver) {
  const RetryPolicy policy{.attempts_max = 10};
  const SendFailure damaged(Failure(ErrorCode::corrupt, "digest"), Remedy::read_again);
  const SendFailure lost(Failure(ErrorCode::not_found, "session"), Remedy::begin_again);
  EXPECT_TRUE(decide_retry(policy, damaged, {1, 2, 0}, 0.5).again);
  EXPECT_EQ(decide_retry(policy, damaged, {1, 2, 0}, 0.5).delay, milliseconds(0));
  EXPECT_FALSE(decide_retry(policy, damaged, {1, 3, 0}, 0.5).again);
  EXPECT_TRUE(decide_retry(policy, lost, {1, 0, 3}, 0.5).again);
  EXPECT_FALSE(decide_retry(policy, lost, {1, 0, 4}, 0.5).again);
}

TEST(RetryPolicy, RetryAfterIsALowerBound) {
  const RetryPolicy policy;
  EXPECT_EQ(decide(policy, 1, 0, seconds(20)).delay, seconds(20));
  EXPECT_EQ(decide(policy, 1, 0.5, seconds(20)).delay, seconds(21));
  EXPECT_EQ(decide(policy, 4, 0.5, seconds(1)).delay, seconds(4));
  EXPECT_TRUE(decide(policy, 1, 0, policy.patience).again);
  EXPECT_FALSE(decide(policy, 1, 0, policy.patience + seconds(1)).again);
}

TEST(RetryPolicy, ParsesRetryAfter) {
  constexpr std::time_t kNow = 784111777;  // Sun, 06 Nov 1994 08:49:37 GMT
  EXPECT_EQ(parse_retry_after("0", kNow), seconds(0));
  EXPECT_EQ(parse_retry_after("120", kNow), seconds(120));
  EXPECT_EQ(parse_retry_after("86401", kNow), seconds(86400));
  EXPECT_EQ(parse_retry_after("99999999999999999999999999", kNow), seconds(86400));
  EXPECT_EQ(parse_retry_after("Sun, 06 Nov 1994 08:50:37 GMT", kNow), seconds(60));
  EXPECT_EQ(parse_retry_after("Sun, 06 Nov 1994 08:00:00 GMT", kNow), seconds(0));
  EXPECT_EQ(parse_retry_after("Sun, 06 Nov 2094 08:00:00 GMT", kNow), seconds(86400));
  for (const char* bad : {"", "-1", "+1", "1.5", "12 s", "soon", "Sun, 06 Nov 1994 08:50:37 GMT x", " 5"}) {
    EXPECT_EQ(parse_retry_after(bad, kNow), std::nullopt) << bad;
  }
}

}  // namespace
}  // namespace warmdump
