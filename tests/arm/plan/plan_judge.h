// A second opinion on a plan: the same rules, checked by other arithmetic than that of arm/plan.
//
// It looks at RAM in pieces of 2 MiB, asks of each what the machine says about it, and tries every start of a
// memory block by brute force. It shares the description of a machine with the planner, and nothing else.

#pragma once

#include <optional>
#include <string>
#include <vector>

#include "arm/plan/region_plan.h"

namespace warmdump {

// What is wrong with the planner's answer for this machine and size; empty when nothing is. An answer without
// a place is wrong where some place would do.
std::vector<std::string> objections_to_plan(const Machine& machine, const std::optional<ByteCount>& size,
                                            const Outcome<RegionPlan>& answer);

}  // namespace warmdump
