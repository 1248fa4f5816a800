// A plan for programs. warmdump-plan(8) tells the fields; they stay, new ones may come.

#pragma once

#include <string>

#include "arm/plan/region_plan.h"

namespace warmdump {

// One JSON object, indented, with a line break at its end.
std::string plan_json(const RegionPlan& plan);

}  // namespace warmdump
