// Checks of what may bring the region's memory online where the kernel's own data can come to lie in it.

#pragma once

#include "arm/status/check.h"

namespace warmdump {

Finding judge_auto_online(const StatusFacts& facts);
Finding judge_udev_rules(const StatusFacts& facts);

}  // namespace warmdump
