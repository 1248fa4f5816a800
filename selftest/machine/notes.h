// The PT_NOTE segment of a synthetic vmcore, in the order fs/proc/vmcore.c writes it.

#pragma once

#include <string>
#include <vector>

#include "selftest/machine/recipe.h"

namespace warmdump::synthetic {

// Device dumps, then one PRSTATUS a CPU, then VMCOREINFO. Registers of CPU n: pid 100 + n, rip `text_address`
// + n, rsp `stack_address` + n pages.
std::vector<std::byte> make_notes(const Recipe& recipe, const std::string& vmcoreinfo,
                                  VirtualAddress text_address, VirtualAddress stack_address);

}  // namespace warmdump::synthetic
