// What a check found, and facts that may not have been seen.

#pragma once

#include <optional>
#include <string>
#include <utility>

#include "common/hosted/failure.h"

namespace warmdump {

enum class CheckState {
  ok,
  warning,  // a dump would be recovered all the same, but something is not as it should be
  failed,   // no dump would be recovered
  unknown,  // the fact could not be seen
};

constexpr const char* check_state_name(CheckState state) {
  switch (state) {
    case CheckState::ok:
      return "ok";
    case CheckState::warning:
      return "warning";
    case CheckState::failed:
      return "failed";
    case CheckState::unknown:
      return "unknown";
  }
  return "unknown";
}

struct Finding {
  CheckState state = CheckState::unknown;
  std::string seen;  // one sentence without its full stop: what is there
  std::string mend;  // what to do; empty when nothing is to be done
};

inline Finding found_ok(std::string seen) {
  return {CheckState::ok, std::move(seen), {}};
}
inline Finding found_warning(std::string seen, std::string mend) {
  return {CheckState::warning, std::move(seen), std::move(mend)};
}
inline Finding found_failed(std::string seen, std::string mend) {
  return {CheckState::failed, std::move(seen), std::move(mend)};
}
inline Finding found_unknown(std::string why, std::string mend) {
  return {CheckState::unknown, std::move(why), std::move(mend)};
}

// A fact of the machine, or why it could not be seen.
template <class T>
struct Seen {
  std::optional<T> value;
  ErrorCode code = ErrorCode::not_found;  // without a value
  std::string why_not;                    // without a value: one sentence

  Seen() = default;
  Seen(T fact) : value(std::move(fact)), code(ErrorCode::none) {}  // NOLINT: implicit by design
  Seen(Outcome<T>&& outcome) {                                     // NOLINT: implicit by design
    if (outcome.has_value()) {
      value = std::move(*outcome);
      code = ErrorCode::none;
    } else {
      code = outcome.error().code;
      why_not = std::move(outcome.error().message);
    }
  }

  explicit operator bool() const { return value.has_value(); }
  const T& operator*() const { return *value; }
  const T* operator->() const { return &*value; }
};

inline constexpr const char* kMendAsRoot = "run warmdump status as root";

// The finding for a fact that was not seen.
template <class T>
Finding not_seen(const Seen<T>& fact) {
  return found_unknown(fact.why_not, fact.code == ErrorCode::no_permission ? kMendAsRoot : "");
}

}  // namespace warmdump
