// Checks of whether RAM keeps what is in it over a reset.

#pragma once

#include "arm/status/check.h"

namespace warmdump {

Finding judge_memory_overwrite(const StatusFacts& facts);
Finding judge_memory_encryption(const StatusFacts& facts);
Finding judge_retention(const StatusFacts& facts);

}  // namespace warmdump
