// What `warmdump plan --estimate` prints, and how it hears of progress.

#pragma once

#include "arm/estimate/dump_estimate.h"
#include "common/hosted/failure.h"

namespace warmdump {

// Estimates the running system, with progress on a terminal.
Outcome<DumpEstimate> estimate_running_system(unsigned dump_level);

// Prints the estimate and the region for it, as text or as one JSON object.
void print_estimate(const DumpEstimate& estimate, ByteCount block_size, bool json);

}  // namespace warmdump
