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
#include "recover/output/output_target.h"
#include "recover/progress.h"

namespace warmdump {

struct OutputOptions {
  std::string_view compression = {};  // name of an entry of the format's own table; empty: its default
  bool incomplete = false;            // pages or other parts are lost: the file must say so
  unsigned thread_count = 0;          // 0: as many as there are processors
  int compression_level = 0;          // 0: the fastest
};

struct OutputReport {
  PageCount pages = 0;      // in the file, zero pages included
  ByteCount file_size = 0;  // bytes, holes included
};

struct OutputFormat {
  std::string_view name;  // as on the command line
  std::string_view description;
  bool holds_pages;  // tools open it as the dump
  bool is_stream;    // written from front to back: can go into a pipe
  // Whether it has the compression and the level. Errors: invalid, with what there is to choose from.
  Outcome<void> (*check)(const OutputOptions& options);
  // Needs options that `check` has passed. Errors: those of `target`, and of reading the dump.
  Outcome<OutputReport> (*write)(const DumpReader& dump, OutputTarget& target, const OutputOptions& options,
                                 const ProgressFunction& progress);
};

// The first is the default.
std::span<const OutputFormat> output_formats();

// nullptr when there is none of that name.
const OutputFormat* find_output_format(std::string_view name);

// The format of that name, the default for the empty name, when it has what `options` ask for.
// Errors: invalid, with what there is to choose from.
Outcome<const OutputFormat*> choose_output_format(std::string_view name, const OutputOptions& options);

// Writes `path`, which appears only when it is whole and on the disk. Errors: invalid (options), before
// anything is touched; those of OutputFile::create, and of OutputFormat::write.
Outcome<OutputReport> write_output_file(const OutputFormat& format, const DumpReader& dump,
                                        const std::filesystem::path& path, const OutputOptions& options,
                                        const ProgressFunction& progress);

}  // namespace warmdump
