// What to write for crashkernel= on this machine: what the admin has when it is enough, else the least that
// is.

#pragma once

#include <string>
#include <string_view>

#include "arm/crashkernel/crashkernel_evaluation.h"

namespace warmdump {

struct CrashkernelAdvice {
  std::string options;  // what belongs on the command line, "crashkernel=96M"; may be several words
  bool kept = false;    // they are those of the command line
  std::string reason;   // one sentence
  CrashkernelEvaluation evaluation;  // of `options`; its placement fails when nothing helps
};

// `command_line` is that of the running system or of the boot loader. The options on it are kept when they
// reserve at least `wanted` bytes in one range, off every region of `memory`.
CrashkernelAdvice advise_crashkernel(std::string_view command_line, const BootMemory& memory,
                                     const CrashkernelRules& rules,
                                     ByteCount wanted = kCrashkernelSizeWanted);

}  // namespace warmdump
