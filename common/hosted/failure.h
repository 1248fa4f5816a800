// Failure: an error with its trail, for full-system code. One sentence a user can act on: each layer
// puts what it was doing in front ("cannot extract /dev/pmem0: frame 17: checksum does not match").
//
// Library functions return a Failure; only the programs in cli/ print one, once.

#pragma once

#include <string>

#include "common/error.h"
#include "common/result.h"

namespace warmdump {

struct Failure {
  ErrorCode code = ErrorCode::none;
  int system_errno = 0;  // 0 when no system call failed
  std::string message;   // whole trail, outermost step first, errno text included

  Failure() = default;
  Failure(ErrorCode failure_code, std::string text) : code(failure_code), message(std::move(text)) {}
  Failure(const Error& error);  // NOLINT: implicit, so that TRY lifts a Result into an Outcome

  // The failure of a system call: "<doing>: <text of errno>". ENOENT becomes not_found, EACCES and EPERM
  // no_permission, EBUSY busy, ENOSPC no_space; everything else io.
  static Failure system(const std::string& doing, int system_errno);

  // The same failure, "<step>: " in front of its message.
  Failure in(const std::string& step) &&;
};

template <class T>
using Outcome = Expected<T, Failure>;

// Adds context to the error of an Outcome or Result, and leaves a value alone:
//   auto header = TRY(in_context(path, read_header(device)));
template <class T, class E>
Outcome<T> in_context(const std::string& step, Expected<T, E>&& expected) {
  if (!expected.has_value()) return Failure(std::move(expected.error())).in(step);
  if constexpr (std::is_void_v<T>) {
    return {};
  } else {
    return std::move(expected.value());
  }
}

}  // namespace warmdump
