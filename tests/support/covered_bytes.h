// The bytes a dump must have for a page of a synthetic machine.

#pragma once

#include <vector>

#include "selftest/machine/vmcore_builder.h"

namespace warmdump {

// The page as the machine has it, zeros where no PT_LOAD covers it: memory may begin or end inside a page.
std::vector<std::byte> covered_bytes(const synthetic::VmcoreTruth& truth, Pfn pfn);

}  // namespace warmdump
