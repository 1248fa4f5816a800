// Runs the boot loader's own programs, and a shell to read what only a shell can read. Tests have their own.

#pragma once

#include <string>
#include <vector>

#include "common/hosted/failure.h"

namespace warmdump {

struct CommandResult {
  int exit_code = 0;   // 128 and the signal's number when one ended it
  std::string output;  // standard output; standard error goes where the caller's goes
};

class CommandRunner {
 public:
  virtual ~CommandRunner() = default;

  // `command`: the program's path and its arguments, no shell between. Standard input is empty. Output of
  // more than 1 MiB is ErrorCode::no_space, a program that cannot be started a system failure, one that runs
  // for more than `timeout_s` seconds is killed: ErrorCode::timed_out.
  virtual Outcome<CommandResult> run(const std::vector<std::string>& command, unsigned timeout_s) = 0;
};

CommandRunner& system_command_runner();

}  // namespace warmdump
