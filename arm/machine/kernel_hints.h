// Where the running kernel has what VMCOREINFO will not tell the capture: symbols of /proc/kallsyms. The
// crash happens in the same boot, so the addresses hold; a kernel that hides them only costs a better order.

#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "arm/machine/machine_files.h"

namespace warmdump {

// By the names of capture/crashed_machine/kernel_hints.h. What is not known is left out.
std::map<std::string, std::uint64_t> gather_kernel_hints(const MachineFiles& files);

// The hints in the text of /proc/kallsyms: lines "ADDRESS TYPE NAME", modules' with a further word.
std::map<std::string, std::uint64_t> hints_in_kallsyms(std::string_view kallsyms);

}  // namespace warmdump
