// Runs another program to its end, with a bound on its time and on what it may say.

#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "common/hosted/failure.h"

namespace warmdump {

struct ProgramEnd {
  int exit_code = 0;
  std::string output;  // standard output and standard error together; the first kProgramOutputMax bytes
};

inline constexpr std::size_t kProgramOutputMax = 64 * 1024;

// `arguments` without the program's own name; standard input is empty. No shell is involved.
// Errors: timed_out (the program was killed); not_found and others of execve(2); io for an end by a signal.
Outcome<ProgramEnd> run_program(const std::string& program, const std::vector<std::string>& arguments,
                                std::chrono::seconds time_max);

// The last line that is not empty: what a program that failed usually says.
std::string last_line(const std::string& output);

}  // namespace warmdump
