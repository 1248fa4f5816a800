// CrashTrace: why the kernel died and where it was then, as its own log tells. Pure.
//
// The log is text that drivers and, in part, users wrote: nothing in it is believed beyond its form. Time and
// memory are linear in the log.

#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "recover/report/printk_log.h"

namespace warmdump {

struct CrashTrace {
  std::string reason;     // a word of crash_reason.cc: "null-pointer", "soft-lockup" ...; empty: unknown
  std::string registers;  // the line with the instruction pointer, without time: "RIP: 0010:func+0x1/0x2"
  std::string function;   // the name in that line; empty when there is none
  // Of the trace, innermost first: names without offsets. None with "?", but the function that an interrupt
  // or exception found running; of a function that follows itself, two.
  std::vector<std::string> frames;
};

// The reason is that of the last "Kernel panic" line. Where that says no more than that a fault came before
// ("Fatal exception", "softlockup: hung tasks" ...), it is the fault's: the earliest one in the ten seconds
// before the panic, or the last before that. The trace is the first after the line of the reason; registers
// are those between the two. Without a panic line, the last fault counts.
CrashTrace find_crash_trace(const PrintkLog& log);

// Why the kernel died: the line of its last panic, without time; failing that, of its last BUG or Oops.
// Empty when the log has none.
std::string find_panic_text(const PrintkLog& log);

}  // namespace warmdump
