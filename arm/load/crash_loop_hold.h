// A crash loop that recover has recorded keeps the machine from being armed, until this boot has lasted
// longer than the loop's window or somebody ends it.

#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "common/hosted/crash_loop_record.h"
#include "common/hosted/failure.h"

namespace warmdump {

// The loop that stands, at the path of its record. One that is over is recorded as ended in this boot, and so
// is one that stands when `end_it`. `uptime_s`: that this boot has run, sleep not counted. Errors: those of
// reading and writing the record.
Outcome<std::optional<CrashLoopRecord>> standing_crash_loop(const std::string& path,
                                                            const std::string& boot_id,
                                                            std::uint64_t uptime_s, bool end_it);

// CLOCK_MONOTONIC in seconds.
std::uint64_t running_seconds();

}  // namespace warmdump
