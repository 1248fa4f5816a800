// How a plan is shown to people; programs get plan_json().

#pragma once

#include "arm/plan/region_plan.h"

namespace warmdump {

void print_plan(const RegionPlan& plan);

}  // namespace warmdump
