// How to open a vmcore: the commands, fit to be copied into a shell. Pure.

#pragma once

#include <map>
#include <string>
#include <vector>

namespace warmdump {

struct DebuggerCommand {
  std::string purpose;  // a few words for people
  std::string command;  // one or several lines for a shell
};

// `vmcore`: name of the file, a plain word. `release` and `build_id` of the kernel and `os_id` (ID of
// os-release(5)) come from the dump: what is no plain word there is taken for unknown, so that nothing
// hostile ends in somebody's shell.
std::vector<DebuggerCommand> debugger_commands(const std::string& vmcore, const std::string& release,
                                               const std::string& build_id, const std::string& os_id);

}  // namespace warmdump
