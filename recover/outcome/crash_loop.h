// A crash loop: so many crashes in so short a time that another dump would tell nothing new, and each capture
// only keeps the user waiting.
//
// The time is that which the system ran between the first and the last of them, since a clock may be wrong:
// each crash tells how long its boot had run by the log of the kernel, each orderly shutdown by its record.
// Only where neither is known the clock is asked, by the lines of two boots; where that runs backwards too,
// nothing is known, and what is not known makes no loop.

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/hosted/crash_loop_record.h"
#include "recover/outcome/boot_outcome.h"

namespace warmdump {

struct CrashLoopLimits {
  std::uint64_t crashes = 0;  // 0: there are no loops
  std::uint64_t window_s = 3600;
};

// The loop that the last of `boots` is in. `boots`: oldest first, one line each. `since`: boot id; crashes
// that this boot's line tells of, and those before, do not count (empty: all count).
std::optional<CrashLoopRecord> find_crash_loop(const std::vector<BootOutcome>& boots,
                                               const CrashLoopLimits& limits, const std::string& since);

// What is to be recorded now that the last of `boots` is known; nothing when that is what is `recorded`.
std::optional<CrashLoopRecord> next_crash_loop(const std::optional<CrashLoopRecord>& recorded,
                                               const std::vector<BootOutcome>& boots,
                                               const CrashLoopLimits& limits);

// How long the boot ran that a line tells of, by what it says itself.
std::optional<std::uint64_t> lasted_s(const BootOutcome& outcome);

}  // namespace warmdump
