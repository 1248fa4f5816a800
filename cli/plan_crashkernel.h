// warmdump plan --crashkernel TEXT: where the kernel would put the crash kernel's memory.

#pragma once

#include <string>

#include "arm/crashkernel/crashkernel_rules.h"
#include "arm/machine/machine.h"
#include "cli/exit_code.h"

namespace warmdump {

// Prints the evaluation of `text` for a machine: kernel options, where "crashkernel=" may be missing in front
// of a first one that begins with a digit. Exit code: 0 when memory would be reserved, 1 when not, 2 when the
// text is malformed and nothing would be.
ExitCode plan_crashkernel(const std::string& text, const Machine& machine, const CrashkernelRules& rules,
                          bool json);

}  // namespace warmdump
