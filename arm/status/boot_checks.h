// Checks of the kernel command line and of how the machine boots.

#pragma once

#include "arm/status/check.h"

namespace warmdump {

Finding judge_address_randomization(const StatusFacts& facts);
Finding judge_memory_limits(const StatusFacts& facts);
Finding judge_boot_entries(const StatusFacts& facts);
Finding judge_boot_units(const StatusFacts& facts);

}  // namespace warmdump
