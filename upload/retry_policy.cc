#include "upload/retry_policy.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <string>

namespace warmdump {
namespace {

constexpr std::chrono::seconds kRetryAfterMax{24 * 60 * 60};

// Answers whose meaning is not that of their class. To add one: a row here, and a row in the table of
// tests/upload/retry_policy_test.cc.
struct StatusRow {
  unsigned status;
  StatusMeaning meaning;
};
constexpr StatusRow kStatusTable[] = {
    {200, StatusMeaning::stored},    {201, StatusMeaning::stored},
    {204, StatusMeaning::stored},    {408, StatusMeaning::temporary},  // request timeout
    {425, StatusMeaning::temporary},                                   // too early
    {429, StatusMeaning::temporary},                                   // too many requests
    {501, StatusMeaning::permanent},                                   // no PUT here
    {505, StatusMeaning::permanent},                                   // not our HTTP version
    {511, StatusMeaning::permanent},                                   // a captive portal wants a login
};

}  // namespace

StatusMeaning meaning_of_status(unsigned status) {
  for (const auto& row : kStatusTable) {
    if (row.status == status) return row.meaning;
  }
  if (status >= 300 && status < 400) return StatusMeaning::redirect;
  return status >= 500 && status < 600 ? StatusMeaning::temporary : StatusMeaning::permanent;
}

RetryDecision decide_retry(const RetryPolicy& policy, Outlook outlook, unsigned failed_attempts,
                           std::optional<std::chrono::seconds> retry_after, double random) {
  using std::chrono::milliseconds;
  if (outlook == Outlook::permanent || failed_attempts >= policy.attempts_max) return {};
  if (retry_after && *retry_after > policy.patience) return {};

  milliseconds upper = policy.base;
  for (unsigned i = 1; i < failed_attempts && upper < policy.cap; ++i) upper *= 2;
  upper = std::min(upper, policy.cap);
  const auto part_of = [random](milliseconds whole) {
    return milliseconds(static_cast<std::int64_t>(static_cast<double>(whole.count()) * random));
  };
  milliseconds delay = part_of(upper);
  if (retry_after) delay = std::max(delay, *retry_after + part_of(milliseconds(*retry_after) / 10));
  return {true, delay};
}

std::optional<std::chrono::seconds> parse_retry_after(std::string_view value, std::time_t now) {
  std::int64_t seconds = 0;
  const char* const end = value.data() + value.size();
  const auto [stop, error] = std::from_chars(value.data(), end, seconds);
  if (value.starts_with('-') || value.empty()) return std::nullopt;
  if (stop != end || error == std::errc::invalid_argument) {
    std::tm date{};
    const std::string text(value);
    const char* rest = strptime(text.c_str(), "%a, %d %b %Y %H:%M:%S GMT", &date);
    if (rest == nullptr || *rest != '\0') return std::nullopt;
    seconds = std::max<std::int64_t>(timegm(&date) - now, 0);
  } else if (error == std::errc::result_out_of_range) {
    return kRetryAfterMax;
  }
  return std::min(std::chrono::seconds(seconds), kRetryAfterMax);
}

}  // namespace warmdump
