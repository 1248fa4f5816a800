// One line to the console of the crash kernel, or to standard error of a program. No heap, never fails.

#pragma once

#include <string_view>

#include "common/error.h"

namespace warmdump {

// "warmdump-capture: <line>".
void log_line(std::string_view line);

// "warmdump-capture: <subject>: <what> [at <where>][ (errno N)]".
void log_error(std::string_view subject, const Error& error);

}  // namespace warmdump
