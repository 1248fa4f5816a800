// The kinds of `warmdump selftest`, a file each. To add one: its options and its run function here, its flag
// in selftest_command.cc, a section in the man page.

#pragma once

#include <string>

#include "cli/exit_code.h"

namespace warmdump {

struct RetentionOptions {
  std::string region;
  bool result = false;  // only show the last verdict
  bool cancel = false;
  bool reboot = false;
  bool yes = false;
  bool json = false;
};
ExitCode run_retention(const RetentionOptions& options);

struct CrashOptions {
  std::string spool = "/var/crash";
  bool result = false;  // only show what came of the last one
  bool force = false;   // panic although status says NO
  bool yes = false;
  bool json = false;
};
ExitCode run_crash(const CrashOptions& options);

}  // namespace warmdump
