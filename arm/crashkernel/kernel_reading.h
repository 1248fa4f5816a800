// What a kernel makes of the crashkernel= options on its command line, right or wrong: which of several it
// takes, what it reads in it, and what it ignores without a word.
//
// Source: parse_crashkernel() and get_last_crashkernel() of kernel/crash_reserve.c, of kernel/crash_core.c
// before; of the older code also reserve_crashkernel() of arch/x86/kernel/setup.c.

#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "arm/crashkernel/crashkernel_rules.h"
#include "common/units.h"

namespace warmdump {

struct KernelReading {
  ByteCount size = 0;          // 0: nothing will be reserved, and `refusal` says why
  PhysicalAddress offset = 0;  // 0: the kernel chooses, also for a literal @0
  bool high = false;           // above CrashkernelRules::low_end first
  ByteCount low_size = 0;      // the part below that goes with memory above; 0 for none
  ByteCount cma_size = 0;
  std::string deciding;              // the option that decides, as written; empty without one
  std::vector<std::string> ignored;  // options without any effect, as written, each with the reason
  std::string refusal;               // one sentence, with what to do
};

// `ram_size` is the RAM the kernel counts at boot: System RAM without what memmap= took out of it. Options
// are found as the kernel finds them: the letters "crashkernel=" anywhere, up to the next space.
KernelReading read_crashkernel_as_kernel(std::string_view command_line, ByteCount ram_size,
                                         const CrashkernelRules& rules);

}  // namespace warmdump
