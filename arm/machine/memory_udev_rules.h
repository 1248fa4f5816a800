// Rules of udev(7) that bring new memory online by themselves, outside ZONE_MOVABLE: the kernel's own data
// could then come to lie in the region.

#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "arm/machine/machine_files.h"

namespace warmdump {

struct MemoryOnlineRule {
  std::string file;   // "/lib/udev/rules.d/40-vm-hotadd.rules"
  unsigned line = 0;  // where the rule begins, from 1
  std::string value;  // what it writes to the block's state: "online", "online_kernel"
};

// The rules in the text of one file that write "online" or "online_kernel" to the state of memory blocks.
// Seen are ATTR{state}="..." and shell commands in RUN, by name or through an ENV variable of the same file,
// in rules for SUBSYSTEM "memory" and in sections that others leave by GOTO. Conditions on anything but the
// subsystem are not judged: such a rule may apply.
std::vector<MemoryOnlineRule> memory_online_rules_in(std::string_view text, const std::string& file);

// Those of the machine, in the order in which udev reads them. As with udev, a file hides those of the same
// name in folders of lower rank, and an empty one or a link to /dev/null takes a rule away.
std::vector<MemoryOnlineRule> memory_online_rules(const MachineFiles& files);

}  // namespace warmdump
