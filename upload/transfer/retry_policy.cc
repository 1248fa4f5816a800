#include "upload/transfer/retry_policy.h"

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

RetryDecision decide_retry(const RetryPolicy& policy, const SendFailure& failure, const Failures& failures,
                           double random) {
  using std::chrono::milliseconds;
  if (failures.in_a_row >= policy.attempts_max) return {};
  switch (failure.remedy) {
    case Remedy::change_sink:
    case Remedy::give_dump_up:
    case Remedy::change_source:
      return {};
    case Remedy::read_again:
      return {failures.rereads <= policy.rereads_max, milliseconds(0)};
    case Remedy::begin_again:
      return {failures.beginnings <= policy.beginnings_max, milliseconds(0)};
    case Remedy::wait:
    case Remedy::set_time:
      break;
  }
  const auto retry_after = failure.retry_after;
  if (retry_after && *retry_after > policy.patience) return {};

  milliseconds upper = policy.base;
  for (unsigned i = 1; i < failures.in_a_row && upper < policy.cap; ++i) upper *= 2;
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
