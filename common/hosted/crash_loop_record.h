// The record of a crash loop: recover writes it when the system has crashed too often in too short a time,
// and arm does not load the crash kernel as long as it stands. A loop ends when a boot has lasted longer than
// the window, or on request; the record then says in which boot, so that crashes before that do not count
// again.
//
//   {"schema": 1, "stands": true, "boot_id": "...", "crashes": 3, "window_s": 3600,
//    "first_dump": "<id>", "first_directory": "/var/crash/..."}
//
// A JSON file of root alone, 0600.

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/hosted/failure.h"

namespace warmdump {

inline constexpr const char* kCrashLoopPath = "/var/lib/warmdump/crash-loop.json";

struct CrashLoopRecord {
  bool stands = false;
  std::string boot_id = {};          // of the boot that found it, or that ended it
  std::uint64_t crashes = 0;         // so many
  std::uint64_t window_s = 0;        // in so short a time that the system ran
  std::string first_dump = {};       // id of the first dump of the loop, lower-case hex; empty: none was made
  std::string first_directory = {};  // where that was saved
};

std::string crash_loop_text(const CrashLoopRecord& record);
Outcome<CrashLoopRecord> parse_crash_loop(std::string_view text, const std::string& name);

// Nothing when there is no such file.
Outcome<std::optional<CrashLoopRecord>> read_crash_loop(const std::string& path);

// Durable on return. Its directory must be there.
Outcome<void> store_crash_loop(const CrashLoopRecord& record, const std::string& path);

// "3 crashes within 60 minutes".
std::string crash_loop_words(const CrashLoopRecord& record);

}  // namespace warmdump
