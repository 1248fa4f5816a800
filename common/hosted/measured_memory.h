// What a crash kernel really used of its memory, in a crash that was captured: written by `warmdump recover`,
// read by `warmdump arm --trim`. A JSON file of root alone:
//
//   {"schema": 1, "crash_kernel": "6.1.0-50-amd64", "given": 100663296, "free_min": 29360128,
//    "boot_id": "...", "crash_time": 1767225600}

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/hosted/failure.h"
#include "common/units.h"

namespace warmdump {

inline constexpr const char* kMeasuredMemoryPath = "/var/lib/warmdump/measured.json";

// Keys under which arm leaves facts in the crash image, and a dump carries them.
inline constexpr const char* kCrashKernelInfo = "crash_kernel";  // version
inline constexpr const char* kCrashMemoryInfo = "crash_memory";  // bytes that crashkernel= set apart

struct MeasuredMemory {
  std::string crash_kernel;  // its version
  ByteCount given = 0;       // by crashkernel=, in all places
  ByteCount free_min = 0;    // of it, the least that the capture found free
  std::string boot_id;       // of the boot that crashed
  std::uint64_t crash_time_s = 0;

  ByteCount used() const { return given - free_min; }
};

std::string measured_memory_text(const MeasuredMemory& measured);
// ErrorCode::corrupt, with `name`, for what makes no sense; unsupported for a newer schema.
Outcome<MeasuredMemory> parse_measured_memory(std::string_view text, const std::string& name);

// Empty when nothing was ever measured.
Outcome<std::optional<MeasuredMemory>> read_measured_memory(const std::string& path = kMeasuredMemoryPath);

// Of two measurements of the same crash kernel the larger use stays; that of another kernel is replaced, and
// so is a file that cannot be read. Makes the directory (0700). False when the older one stayed.
Outcome<bool> store_measured_memory(const MeasuredMemory& measured,
                                    const std::string& path = kMeasuredMemoryPath);

}  // namespace warmdump
