// Writes a dump as a kdump-compressed file: what crash, drgn, libkdumpfile and makedumpfile read.
//
// Present pages are compressed one by one, all zero pages share one page of zeros, excluded and lost pages
// have no bit in the second bitmap: tools report them as excluded instead of reading zeros. Frames are
// compressed on all processors and written in their order: the same dump always makes the same bytes. Memory:
// the index of runs, and a few frames a thread.

#pragma once

#include "recover/output/output_format.h"

namespace warmdump {

// Contract of OutputFormat::write. Compressions: page_compressions().
Outcome<OutputReport> write_kdump(const DumpReader& dump, OutputTarget& target, const OutputOptions& options,
                                  const ProgressFunction& progress);
// The same as a file: contract of write_output_file().
Outcome<OutputReport> write_kdump(const DumpReader& dump, const std::filesystem::path& path,
                                  const OutputOptions& options, const ProgressFunction& progress);

}  // namespace warmdump
