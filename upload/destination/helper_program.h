// Runs a program of whoever runs the fleet: something in, something out, bounded in time and in what it may
// say.

#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "common/hosted/failure.h"
#include "common/units.h"

namespace warmdump {

struct HelperLimits {
  std::chrono::milliseconds time{60'000};
  ByteCount output = 64 * kKiB;  // more is a failure
  ByteCount errors = 4 * kKiB;   // the rest is dropped
};

struct HelperEnd {
  int exit_code = 0;
  std::string output;  // standard output
  std::string errors;  // standard error
};

// arguments[0] is the program, by its absolute path: no shell, no search. `input`, at most 32 KiB, is its
// standard input; the environment is ours. It is in a process group of its own; whatever of that still runs
// when it has ended, or when a limit is passed, is killed.
//
// Errors: timed_out; no_space for too much output; io for an end by a signal; those of posix_spawn(3).
Outcome<HelperEnd> run_helper(const std::vector<std::string>& arguments, std::string_view input,
                              const HelperLimits& limits = {});

}  // namespace warmdump
