// What to do after a failed attempt: pure functions of what happened, without time or network.
//
// Full jitter: the n-th wait is drawn evenly from zero to base * 2^n, so that a fleet that failed together
// does not come back together. A Retry-After of the server is a lower bound of the wait.

#pragma once

#include <chrono>
#include <ctime>
#include <optional>
#include <string_view>

namespace warmdump {

// Can the same request succeed later although nobody changes anything?
enum class Outlook { temporary, permanent };

// What the HTTP status of an answer to a PUT means. `stored` only for the answers that promise it.
enum class StatusMeaning { stored, redirect, temporary, permanent };
StatusMeaning meaning_of_status(unsigned status);

struct RetryPolicy {
  unsigned attempts_max = 5;                     // for one file, in one run
  std::chrono::milliseconds base{1000};          // upper end of the first wait
  std::chrono::milliseconds cap{5 * 60 * 1000};  // upper end of any wait
  std::chrono::seconds patience{5 * 60};         // a server asking for more ends the run instead
};

struct RetryDecision {
  bool again = false;
  std::chrono::milliseconds delay{0};  // before the next attempt; 0 unless `again`
};

// failed_attempts counts the one that just failed, so it is at least 1. random is in [0, 1).
RetryDecision decide_retry(const RetryPolicy& policy, Outlook outlook, unsigned failed_attempts,
                           std::optional<std::chrono::seconds> retry_after, double random);

// The value of a Retry-After header, seconds or an IMF-fixdate, as a wait counted from `now`; at most one
// day, a date in the past is zero. Nothing for any other text.
std::optional<std::chrono::seconds> parse_retry_after(std::string_view value, std::time_t now);

}  // namespace warmdump
