// Writes a dump as an ELF core file.
//
// Every source segment is cut into one PT_LOAD for each run of pages the dump has, at the addresses it had.
// Excluded and lost pages are in no segment, so that no tool takes them for zeros; zero pages are holes.
// Segments that overlap (the kernel image has its own) share their bytes in the file.

#pragma once

#include "recover/output/output_format.h"

namespace warmdump {

// Contract of OutputFormat::write. No compression.
Outcome<OutputReport> write_elf(const DumpReader& dump, OutputTarget& target, const OutputOptions& options,
                                const ProgressFunction& progress);
// The same as a file: contract of write_output_file().
Outcome<OutputReport> write_elf(const DumpReader& dump, const std::filesystem::path& path,
                                const OutputOptions& options, const ProgressFunction& progress);

}  // namespace warmdump
