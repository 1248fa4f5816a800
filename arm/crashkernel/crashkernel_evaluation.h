// All that can be said about crashkernel= options on a given machine: what is wrong with their text, what the
// kernel reads, where it puts the memory, and what the reader should know.

#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "arm/crashkernel/boot_memory.h"
#include "arm/crashkernel/crashkernel_option.h"
#include "arm/crashkernel/crashkernel_placement.h"
#include "arm/crashkernel/crashkernel_rules.h"
#include "arm/crashkernel/kernel_reading.h"
#include "arm/crashkernel/placement_policy.h"

namespace warmdump {

// The smallest crashkernel= that warmdump asks for; docs/ARCHITECTURE.md has the measurements.
inline constexpr ByteCount kCrashkernelSizeWanted = 96 * kMiB;

struct CrashkernelEvaluation {
  std::vector<CrashkernelOption> options;  // those of the text that are well formed, in order
  std::vector<std::string> mistakes;       // what parse_crashkernel_option() says about the others
  KernelReading reading;
  CrashkernelPlacement placement;
  std::optional<PolicyPlacement> policy;  // of the last option with a policy or the offset 0
  std::vector<std::string> warnings;

  ByteCount reserved_size() const { return placement.range ? placement.range->size : 0; }
};

CrashkernelEvaluation evaluate_crashkernel(std::string_view command_line, const BootMemory& memory,
                                           const CrashkernelRules& rules,
                                           ByteCount wanted = kCrashkernelSizeWanted);

}  // namespace warmdump
