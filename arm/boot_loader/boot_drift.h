// Whether the running kernel, and the next one, got what the plan wants on their command lines.

#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "arm/boot_loader/boot_loader.h"
#include "arm/crashkernel/boot_memory.h"
#include "arm/crashkernel/crashkernel_advice.h"
#include "arm/machine/memory_map.h"
#include "arm/plan/region_plan.h"

namespace warmdump {

// What a plan wants of a command line.
struct WantedOptions {
  AddressRange region;
  BootMemory memory;  // with the region taken out
  CrashkernelRules rules;
  ByteCount crashkernel_size = kCrashkernelSizeWanted;
};

// Puts the advice for a machine with this command line into its plan: the options of the running system keep
// the admin's crashkernel= when it is enough, and what is to be known about it becomes a warning.
void advise_crashkernel(const WantedOptions& wanted, std::string_view command_line, RegionPlan& plan);

// The words to add to `command_line` (the admin's, without ours): memmap= of the region, and crashkernel=
// unless what is there is enough.
std::vector<std::string> words_for(const WantedOptions& wanted, std::string_view command_line);

// A sentence when `command_line` has more memmap= items, the admin's and ours, than address randomisation
// knows.
std::string too_many_memmap_items(std::string_view command_line);

// What `command_line` lacks, or has too much: a sentence each, none when it is right. Another region counts
// as too much: its RAM is lost, and address randomisation counts four memmap= items at most.
std::vector<std::string> drift_of(const WantedOptions& wanted, std::string_view command_line);

}  // namespace warmdump
