// SendFailure: a failure on the way to a destination, and what can be done about it.

#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <utility>

#include "common/hosted/failure.h"

namespace warmdump {

// What helps. What is done in the end (how often, how long to wait) is decided by transfer/retry_policy.h.
enum class Remedy {
  wait,         // the same again later: network, timeouts, a busy server
  read_again,   // bytes arrived damaged: read them again and send them once more, at once, but not for ever
  begin_again,  // the session on the server is gone or refuses to go on: the object from its start, at once
  set_time,  // the server's clock and ours differ too much: sign with its time (clock_offset), then as `wait`
  change_sink,    // credentials, certificate, bucket, proxy: nothing can be sent there until somebody changes
                  // something; other dumps would fail the same way
  give_dump_up,   // this destination will never take this dump, such as one that is too large
  change_source,  // our own side: the dump was changed or cannot be read, the state cannot be stored
};

struct SendFailure {
  Failure failure;
  Remedy remedy = Remedy::change_source;
  std::optional<std::chrono::seconds> retry_after = {};   // as the server asked
  std::optional<std::chrono::seconds> clock_offset = {};  // the server's time minus ours, with set_time
  unsigned http_status = 0;                               // 0 when there was no answer
  std::string server_code = {};  // such as "SlowDown"; printable ASCII, at most 64 bytes

  SendFailure() = default;
  // A failure of our own side.
  SendFailure(Failure&& cause)
      : failure(std::move(cause)) {}  // NOLINT: implicit, TRY lifts a Failure into it
  SendFailure(Failure&& cause, Remedy what_helps) : failure(std::move(cause)), remedy(what_helps) {}

  // The same failure, "<step>: " in front of its message.
  SendFailure in(const std::string& step) && {
    failure = std::move(failure).in(step);
    return std::move(*this);
  }
};

template <class T>
using SendOutcome = Expected<T, SendFailure>;

// Can the same succeed later although nobody changes anything?
inline bool is_temporary(const SendFailure& failure) {
  return failure.remedy == Remedy::wait || failure.remedy == Remedy::set_time;
}

}  // namespace warmdump
