// Checks of the rest of the system: what panics, who else loads crash kernels, room for the dump.

#pragma once

#include "arm/status/check.h"

namespace warmdump {

Finding judge_oops(const StatusFacts& facts);
Finding judge_panic_notifiers(const StatusFacts& facts);
Finding judge_crash_tools(const StatusFacts& facts);
Finding judge_spool_space(const StatusFacts& facts);

}  // namespace warmdump
