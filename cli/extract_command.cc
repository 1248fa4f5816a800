// warmdump extract: one file out of a dump.

#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "cli/command.h"
#include "cli/dump_report.h"
#include "cli/reader_protection.h"
#include "cli/staged_progress.h"
#include "common/file_device.h"
#include "common/hosted/dump_file_names.h"
#include "common/hosted/interruption.h"
#include "common/hosted/whole_file.h"
#include "recover/extract_dump.h"
#include "recover/output/output_format.h"
#include "recover/output/page_compression.h"
#include "recover/report/dump_directory.h"

namespace warmdump {
namespace {

constexpr ByteCount kMetaSizeMax = 16 * kMiB;

struct ExtractArguments {
  std::string source;
  std::string output;
  std::string format;
  std::string compression;
  int compression_level = 0;
  unsigned threads = 0;
  bool is_verbose = false;

  bool to_standard_output() const { return output == "-"; }
};

bool is_kdump_file(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  char signature[8] = {};
  file.read(signature, sizeof(signature));
  return std::string_view(signature, sizeof(signature)) == "KDUMP   ";
}

// What is already a file needs no extracting: says where it is.
Outcome<void> refuse_finished_dump(const std::filesystem::path& source) {
  std::error_code error;
  if (std::filesystem::is_directory(source, error)) {
    const auto meta = read_whole_file(source / kMetaName, kMetaSizeMax);
    const auto vmcore = source / (meta ? dump_file_names(*meta) : DumpFileNames()).vmcore;
    if (std::filesystem::exists(vmcore, error)) {
      return Failure(ErrorCode::invalid,
                     fmt::format("{} is extracted already: open {}", source.string(), vmcore.string()));
    }
    return Failure(ErrorCode::not_found, fmt::format("no dump in directory {}", source.string()));
  }
  if (std::filesystem::is_regular_file(source, error) && is_kdump_file(source)) {
    return Failure(ErrorCode::invalid,
                   fmt::format("{} is a finished dump file already: open it as it is", source.string()));
  }
  return {};
}

// Asks what the command line alone can answer, before the dump is read.
Outcome<const OutputFormat*> choose_format(const ExtractArguments& arguments, const OutputOptions& options) {
  const OutputFormat* const format = TRY(choose_output_format(arguments.format, options));
  if (!arguments.to_standard_output()) return format;
  if (!format->is_stream) {
    return Failure(ErrorCode::invalid,
                   fmt::format("a file in format {} is not written from front to back and needs a name; "
                               "--format flattened and flattened-elf are for standard output",
                               format->name));
  }
  if (format->holds_pages && ::isatty(STDOUT_FILENO) == 1)
    return Failure(ErrorCode::invalid, "a dump is nothing for a terminal; send standard output elsewhere");
  return format;
}

Outcome<ExitCode> extract(const ExtractArguments& arguments) {
  OutputOptions options{.compression = arguments.compression,
                        .thread_count = arguments.threads,
                        .compression_level = arguments.compression_level};
  const OutputFormat* const format = TRY(choose_format(arguments, options));
  TRY(refuse_finished_dump(arguments.source));
  const InterruptionWatch watch;
  std::signal(SIGPIPE, SIG_IGN);  // a closed pipe is a failure that is told
  FileDevice region;
  TRY(in_context(arguments.source, region.open(arguments.source.c_str(), FileDevice::Access::read_only)));
  StagedProgress progress({"reading", "writing pages"});
  ExtractRequest request{
      .output = arguments.to_standard_output() ? "" : arguments.output, .options = options, .progress = {}};
  request.missing = tell_missing_protection(arguments.is_verbose);
  request.progress = [&](unsigned stage, ByteCount done, ByteCount total) {
    progress.update(stage, done, total);
  };
  const ExtractedFile extracted = TRY(in_context(arguments.source, extract_dump(region, *format, request)));
  progress.finish();
  fmt::print(arguments.to_standard_output() ? stderr : stdout, "{}: {} pages, {} bytes, {}\n",
             arguments.to_standard_output() ? "standard output" : arguments.output, extracted.report.pages,
             extracted.report.file_size, harmless(extracted.completeness));
  return extracted.complete ? kExitOk : kExitIncomplete;
}

}  // namespace

void register_extract_command(CLI::App& app, ExitCode& exit_code) {
  auto arguments = std::make_shared<ExtractArguments>();
  std::vector<std::string> format_names;
  for (const OutputFormat& format : output_formats()) format_names.emplace_back(format.name);
  arguments->format = format_names.front();
  std::vector<std::string> compression_names;
  for (const PageCompression& compression : page_compressions())
    compression_names.emplace_back(compression.name);

  CLI::App* command =
      app.add_subcommand("extract", "Write the dump of a region as a file for crash, drgn and others.");
  command->add_option("REGION", arguments->source, "PMEM device, or saved image of a region")->required();
  command->add_option("-o,--output", arguments->output, "File to write; must not exist; - is standard output")
      ->required();
  command->add_option("--format", arguments->format, "File format")
      ->check(CLI::IsMember(format_names))
      ->capture_default_str();
  command
      ->add_option("--compression", arguments->compression, "Of the pages of a kdump file; zlib unless set")
      ->check(CLI::IsMember(compression_names));
  command
      ->add_option("--compression-level", arguments->compression_level,
                   "1 to 12 (zlib) or 19 (zstd); 1, the fastest, unless set")
      ->check(CLI::Range(1, 19));
  command->add_option("--threads", arguments->threads, "As many as there are processors, unless set")
      ->check(CLI::Range(1, 1024));
  command->add_flag("--verbose", arguments->is_verbose, kVerboseText);
  command->callback([arguments, &exit_code] {
    auto result = extract(*arguments);
    exit_code = result ? *result : report_failure(result.error());
  });
}

}  // namespace warmdump
