// Checks of the crash kernel that is loaded, and of what it was loaded with.

#pragma once

#include "arm/status/check.h"

namespace warmdump {

Finding judge_crash_loop(const StatusFacts& facts);
Finding judge_record(const StatusFacts& facts);
Finding judge_image_modules(const StatusFacts& facts);
Finding judge_memory_need(const StatusFacts& facts);
Finding judge_watchdog(const StatusFacts& facts);
Finding judge_reload(const StatusFacts& facts);
Finding judge_modules_directory(const StatusFacts& facts);

}  // namespace warmdump
