// What to do after a failed attempt: pure functions of what happened, without time or network.
//
// Full jitter: the n-th wait is drawn evenly from zero to base * 2^n, so that a fleet that failed together
// does not come back together. A Retry-After of the server is a lower bound of the wait.

#pragma once

#include <chrono>
#include <ctime>
#include <optional>
#include <string_view>

#include "upload/transfer/send_failure.h"

namespace warmdump {

// What the HTTP status of an answer to a PUT means. `stored` only for the answers that promise it.
enum class StatusMeaning { stored, redirect, temporary, permanent };
StatusMeaning meaning_of_status(unsigned status);

struct RetryPolicy {
  unsigned attempts_max = 5;                     // failures in a row that end the run
  unsigned rereads_max = 2;                      // for one object, in one run
  unsigned beginnings_max = 3;                   // for one object, in one run
  std::chrono::milliseconds base{1000};          // upper end of the first wait
  std::chrono::milliseconds cap{5 * 60 * 1000};  // upper end of any wait
  std::chrono::seconds patience{5 * 60};         // a server asking for more ends the run instead
};

// What has failed so far in this run. The one that just failed counts.
struct Failures {
  unsigned in_a_row = 0;  // since a piece arrived; at least 1
  unsigned rereads = 0;
  unsigned beginnings = 0;
};

struct RetryDecision {
  bool again = false;
  std::chrono::milliseconds delay{0};  // before the next attempt; 0 unless `again`
};

// random is in [0, 1).
RetryDecision decide_retry(const RetryPolicy& policy, const SendFailure& failure, const Failures& failures,
                           double random);

// The value of a Retry-After header, seconds or an IMF-fixdate, as a wait counted from `now`; at most one
// day, a date in the past is zero. Nothing for any other text.
std::optional<std::chrono::seconds> parse_retry_after(std::string_view value, std::time_t now);

}  // namespace warmdump
