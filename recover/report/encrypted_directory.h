// What is kept of an encrypted dump where nobody can read it: its image, and a summary of what is visible.

#pragma once

#include <filesystem>

#include "common/hosted/dump_directory_names.h"
#include "common/hosted/failure.h"
#include "recover/output/dump_image.h"
#include "recover/report/dump_summary.h"

namespace warmdump {

// From header and frame headers alone: sizes, counters, phases, when and in which boot. Nothing that a
// payload holds: no panic, no log, no kernel.
DumpSummary summarize_encrypted(const DumpImage& image);

// Writes kImageName and kMetaName into the existing, empty `directory`, meta.json last; without `with_image`
// only that, for a dump that is sent from where it lies. All is on the disk when it returns. Errors: those of
// OutputFile, and of reading the region.
Outcome<DumpSummary> write_encrypted_directory(const DumpImage& image, const std::filesystem::path& directory,
                                               const ByteProgress& progress, bool with_image = true);

}  // namespace warmdump
