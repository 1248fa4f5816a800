// Says of a chosen place what it costs, why it is that one, what to mind.

#pragma once

#include "arm/plan/placement.h"
#include "arm/plan/region_plan.h"

namespace warmdump {

// RAM that stays with the system: half, and at least kSystemRamMin.
ByteCount system_part(ByteCount ram_size);

// Fills in everything of `plan` that follows from the place: figures, options, reasons, warnings.
void describe(RegionPlan& plan, const Machine& machine, const PlaceChoice& choice,
              const Placement& placement);

}  // namespace warmdump
