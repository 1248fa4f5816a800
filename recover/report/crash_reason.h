// Words for what can end a kernel, found by the lines it logs then.

#pragma once

#include <string_view>

namespace warmdump {

struct CrashReason {
  const char* word;       // stable: part of signatures
  const char* text;       // the line has this in it ...
  const char* also = "";  // ... and this behind it
  // Whether the trace tells one fault from another. That of a process that happened to need memory does not.
  bool trace_tells = true;
};

// What a line reports before the panic that follows from it; nullptr for none.
const CrashReason* find_fault(std::string_view line);

// What stands behind "Kernel panic - not syncing: ". A panic that only says that a fault came before has the
// reason `nullptr`; one of no known kind is kOtherPanic.
const CrashReason* find_panic_reason(std::string_view message);

extern const CrashReason kOtherPanic;

// The row with this word; nullptr when there is none.
const CrashReason* crash_reason(std::string_view word);

}  // namespace warmdump
