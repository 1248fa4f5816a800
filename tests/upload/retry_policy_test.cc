#include "upload/retry_policy.h"

#include <gtest/gtest.h>

namespace warmdump {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

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
  const auto longest = [&](unsigned failed) {
    return decide_retry(policy, Outlook::temporary, failed, std::nullopt, 0.999999).delay;
  };
  EXPECT_NEAR(static_cast<double>(longest(1).count()), 1000, 1);
  EXPECT_NEAR(static_cast<double>(longest(2).count()), 2000, 1);
  EXPECT_NEAR(static_cast<double>(longest(5).count()), 16000, 1);
  EXPECT_LE(longest(50), policy.cap);
  EXPECT_GE(longest(99), policy.cap - seconds(1));
  EXPECT_EQ(decide_retry(policy, Outlook::temporary, 50, std::nullopt, 0).delay, milliseconds(0));
}

TEST(RetryPolicy, EndsAfterItsAttempts) {
  const RetryPolicy policy{.attempts_max = 3};
  EXPECT_TRUE(decide_retry(policy, Outlook::temporary, 2, std::nullopt, 0.5).again);
  EXPECT_FALSE(decide_retry(policy, Outlook::temporary, 3, std::nullopt, 0.5).again);
  EXPECT_FALSE(decide_retry(policy, Outlook::permanent, 1, std::nullopt, 0.5).again);
  EXPECT_FALSE(decide_retry(policy, Outlook::permanent, 1, seconds(1), 0.5).again);
}

TEST(RetryPolicy, RetryAfterIsALowerBound) {
  const RetryPolicy policy;
  EXPECT_EQ(decide_retry(policy, Outlook::temporary, 1, seconds(20), 0).delay, seconds(20));
  EXPECT_EQ(decide_retry(policy, Outlook::temporary, 1, seconds(20), 0.5).delay, seconds(21));
  EXPECT_EQ(decide_retry(policy, Outlook::temporary, 4, seconds(1), 0.5).delay, seconds(4));
  EXPECT_TRUE(decide_retry(policy, Outlook::temporary, 1, policy.patience, 0).again);
  EXPECT_FALSE(decide_retry(policy, Outlook::temporary, 1, policy.patience + seconds(1), 0).again);
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
