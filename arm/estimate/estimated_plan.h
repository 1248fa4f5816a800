// `plan --size auto` on the running system: the size of the region by an estimate, where there is one.

#pragma once

#include "arm/estimate/dump_estimate.h"
#include "arm/plan/region_plan.h"

namespace warmdump {

// Plans `request`, whose size is not set, for a dump of that estimate; by the share of RAM where the estimate
// failed or asks for more than the machine has room for. The first of the plan's reasons says which, and why.
// A region that the running kernel has already is kept, with a warning when the estimate does not fit into
// it. Errors as plan_region().
Outcome<RegionPlan> plan_for_estimate(PlanRequest request, const Outcome<DumpEstimate>& estimate);

}  // namespace warmdump
