// Runs warmdump-capture, the real static binary, on files.

#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace warmdump {

struct ProgramResult {
  int exit_code = -1;  // -1: ended by a signal
  std::string errors;  // standard error
  std::string output;  // standard output
};

// `arguments` without the program's own name. Waits until it ends.
ProgramResult run_program(const std::string& program, const std::vector<std::string>& arguments);

// A blank region file of `size` bytes, replacing a file there.
void make_region_file(const std::string& path, std::uint64_t size);

}  // namespace warmdump
