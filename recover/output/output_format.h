// The file formats a dump can be turned into.
//
// To add one: a pair of files <name>_output.{h,cc} here with a function like those below, a line in the
// table of output_format.cc, a test that reads the result with somebody else's library, a line in
// docs/man/warmdump-extract.8.

#pragma once

#include <filesystem>
#include <span>
#include <string_view>

#include "common/hosted/failure.h"
#include "recover/dump/dump_reader.h"
#include "recover/progress.h"

namespace warmdump {

struct OutputOptions {
  std::string_view compression;  // name of an entry of the format's own table; empty: its default
  bool incomplete = false;       // pages or other parts are lost: the file must say so
  unsigned thread_count = 0;     // 0: as many as there are processors
};

struct OutputReport {
  PageCount pages = 0;      // in the file, zero pages included
  ByteCount file_size = 0;  // bytes, holes included
};

struct OutputFormat {
  std::string_view name;  // as on the command line
  std::string_view description;
  // Writes `path`, which appears only when it is whole and on the disk. Errors: those of OutputFile, and of
  // reading the dump; invalid for a compression the format does not have.
  Outcome<OutputReport> (*write)(const DumpReader& dump, const std::filesystem::path& path,
                                 const OutputOptions& options, const ProgressFunction& progress);
};

// The first is the default.
std::span<const OutputFormat> output_formats();

// nullptr when there is none of that name.
const OutputFormat* find_output_format(std::string_view name);

}  // namespace warmdump
