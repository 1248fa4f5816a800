// A dump as a directory of files: what the next boot keeps of a crash.

#pragma once

#include <filesystem>

#include "common/hosted/dump_directory_names.h"
#include "common/hosted/failure.h"
#include "recover/dump/dump_reader.h"
#include "recover/output/output_format.h"
#include "recover/progress.h"
#include "recover/report/dump_directory_options.h"
#include "recover/report/dump_map.h"
#include "recover/report/dump_summary.h"

namespace warmdump {

// The format of the vmcore that `options` ask for. Errors: invalid, with what there is to choose from.
Outcome<const OutputFormat*> dump_directory_format(const DumpDirectoryOptions& options);

// Writes the files of `dump` into the existing, empty `directory`, named by options.layout, the small and
// most telling first. When it returns, all is on the disk, the names too. On failure the files that were
// finished stay, no meta.json is among them. An incomplete dump is no failure: see DumpSummary::complete.
// Errors: invalid (an option names what there is not), no_space, refused (a file is there already),
// no_permission, io, corrupt (the region changes).
Outcome<DumpSummary> write_dump_directory(const DumpReader& dump, const std::filesystem::path& directory,
                                          const ProgressFunction& progress,
                                          const DumpDirectoryOptions& options = {});

// What meta.json of a finished dump directory says. Errors: not_found (no meta.json), corrupt, unsupported.
Outcome<DumpSummary> read_dump_directory(const std::filesystem::path& directory);

// Its memory-map.json. Errors: not_found (made by an older version), corrupt, unsupported.
Outcome<DumpMap> read_dump_map(const std::filesystem::path& directory);

}  // namespace warmdump
