// A fault of the capture itself. Process 1 must not die, for the crash kernel would panic: the fault is told
// on the console, left in the region's header, and the last act follows. No heap.

#pragma once

#include <string_view>

#include "common/error.h"

namespace warmdump {

// What a fatal signal becomes in the region's header: ErrorCode::crashed, and the errno nearest to it.
Error fatal_signal_error(int signal);

// "SIGSEGV", or "signal" for one that is not in the table.
std::string_view fatal_signal_name(int signal);

// Takes every signal that a fault of the program raises, on a stack of its own. On one: logs it, calls
// `record(error)`, then `last_act()`, which does not return. A fault within record() goes straight on to
// last_act(), one within last_act() ends the process. SIGBUS in a mapped vmcore is repaired (mapped_faults.h)
// and no fault. Of the calling thread only; threads it makes run the same handlers on their own stacks.
void handle_fatal_signals(void (*record)(const Error& error), void (*last_act)());

}  // namespace warmdump
