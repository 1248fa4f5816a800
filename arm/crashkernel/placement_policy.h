// The proposed form crashkernel=SIZE@OFFSET#POLICY[,POLICY...]: where it would put the crash kernel, and what
// to write for a kernel of today to get the same.
//
// Without a policy the memory is exactly at the offset, or there is none; an offset of 0 means address 0. The
// policies are tried in their order when the offset is taken. BU is the next free area, bottom up. No kernel
// has this form: those of today read an offset of 0 as none, and everything behind the offset as nothing.

#pragma once

#include <optional>
#include <string>

#include "arm/crashkernel/boot_memory.h"
#include "arm/crashkernel/crashkernel_option.h"
#include "arm/crashkernel/crashkernel_rules.h"

namespace warmdump {

struct PolicyPlacement {
  std::optional<AddressRange> range;
  bool at_offset = false;       // no policy was needed
  std::string failure;          // why there is no place
  std::string for_this_kernel;  // "crashkernel=64M@0x22000000"; empty when no option of today can say it
  std::string untranslatable;   // why not
};

// `option` is SIZE@OFFSET, with or without policies. Places chosen by a policy are multiples of
// rules.alignment, and of rules.fixed_alignment, so that today's kernels accept them.
PolicyPlacement place_by_policy(const CrashkernelOption& option, const BootMemory& memory,
                                const CrashkernelRules& rules);

}  // namespace warmdump
