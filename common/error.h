// Error: what went wrong, without heap, so that it can be made in the crash kernel.
//
// Full-system code adds a trail of context (file names, steps) with Failure, common/hosted/failure.h.

#pragma once

#include <cstdint>

namespace warmdump {

// Stored in the region header: never renumber, never reuse.
enum class ErrorCode : std::uint16_t {
  none = 0,
  io = 1,              // the system refused or failed an operation; errno says why
  corrupt = 2,         // bytes contradict their own format or checksum
  unsupported = 3,     // well-formed, but this build or kernel cannot do it
  invalid = 4,         // the caller or user asked for something that makes no sense
  no_space = 5,        // does not fit
  not_found = 6,       // a thing that must be there is not
  timed_out = 7,       // a deadline passed
  refused = 8,         // possible, but would destroy or expose something
  busy = 9,            // somebody else holds it
  no_permission = 10,  // needs root or a capability
  crashed = 11,        // the program itself took a fatal signal
};

// Short lower-case name for messages ("corrupt", "no space").
const char* error_code_name(ErrorCode code);

// What Error::where counts.
enum class WhereKind : std::uint8_t { nowhere, file_offset, region_offset, pfn, virtual_address, line };

// What stands before the number in a message: " at file offset ", empty for nowhere.
const char* where_text(WhereKind kind);

struct Error {
  ErrorCode code = ErrorCode::none;
  WhereKind where_kind = WhereKind::nowhere;
  int system_errno = 0;     // errno at the time, 0 when no system call failed
  const char* what = "";    // string literal: the failed step, lower case, no full stop
  std::uint64_t where = 0;  // meaning given by where_kind

  static Error make(ErrorCode code, const char* what) { return {code, WhereKind::nowhere, 0, what, 0}; }
  static Error system(const char* what, int system_errno) {
    return {ErrorCode::io, WhereKind::nowhere, system_errno, what, 0};
  }
  Error at(WhereKind kind, std::uint64_t value) const { return {code, kind, system_errno, what, value}; }
};

}  // namespace warmdump
