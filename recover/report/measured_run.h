// A captured crash as a measurement: what its crash kernel used of its memory.

#pragma once

#include <filesystem>
#include <optional>

#include "common/hosted/failure.h"
#include "common/hosted/measured_memory.h"
#include "recover/report/dump_summary.h"

namespace warmdump {

// Empty when the dump is not complete, so that a larger one would have used more, or when capture or arm
// left no figures in it.
std::optional<MeasuredMemory> measured_run(const DumpSummary& dump);

// The same of a dump directory, kept for `warmdump arm --trim` in `path`. Errors of the files.
Outcome<void> record_measured_run(const std::filesystem::path& dump_directory, const std::string& path);

}  // namespace warmdump
