// Checks of the region's place, and of its state.

#pragma once

#include "arm/status/check.h"

namespace warmdump {

Finding judge_ready(const StatusFacts& facts);
Finding judge_use(const StatusFacts& facts);
Finding judge_height(const StatusFacts& facts);
Finding judge_alignment(const StatusFacts& facts);
Finding judge_returnable(const StatusFacts& facts);
Finding judge_node(const StatusFacts& facts);

}  // namespace warmdump
