// One file out of a dump: what `warmdump extract` does. The dump is read in a confined child process
// (sandbox/reader_task.h), which can write to that one file and to nothing else.

#pragma once

#include <filesystem>
#include <functional>
#include <string>

#include "common/file_device.h"
#include "common/hosted/failure.h"
#include "recover/output/output_format.h"

namespace warmdump {

struct ExtractRequest {
  std::filesystem::path output;  // empty: standard output
  OutputOptions options;         // `incomplete` is told by the dump
  // Stage 0 reads the dump, stage 1 writes pages.
  std::function<void(unsigned stage, ByteCount done, ByteCount total)> progress = {};
  // Hears what protection this system lacks, a sentence each.
  std::function<void(const std::string&)> missing = {};
};

struct ExtractedFile {
  OutputReport report;
  bool complete = false;     // everything that was to be kept is in it
  std::string completeness;  // in words
};

// `region` is open for reading. `output` appears when it is whole and on the disk; after a failure nothing is
// left of it. Errors: those of OutputFile::create, before the dump is read; of DumpReader::open, the format,
// and run_reader_task.
Outcome<ExtractedFile> extract_dump(const FileDevice& region, const OutputFormat& format,
                                    const ExtractRequest& request);

}  // namespace warmdump
