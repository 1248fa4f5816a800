// Where the capture program is that goes with this installation.

#pragma once

#include <string>

#include "common/hosted/failure.h"

namespace warmdump {

// `path` when it is not empty; else warmdump-capture beside the running program, else the installed one.
// Error not_found.
Outcome<std::string> find_capture_program(const std::string& path);

}  // namespace warmdump
