// warmdump extract: one file out of a dump.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "cli/command.h"
#include "cli/progress.h"
#include "common/file_device.h"
#include "recover/dump/dump_reader.h"
#include "recover/output/output_format.h"
#include "recover/report/dump_directory.h"
#include "recover/report/dump_summary.h"

namespace warmdump {
namespace {

struct ExtractArguments {
  std::string source;
  std::string output;
  std::string format;
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
    const auto vmcore = source / kVmcoreName;
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

Outcome<ExitCode> extract(const ExtractArguments& arguments) {
  TRY(refuse_finished_dump(arguments.source));
  FileDevice region;
  TRY(in_context(arguments.source, region.open(arguments.source.c_str(), FileDevice::Access::read_only)));
  const DumpReader dump = TRY(in_context(arguments.source, DumpReader::open(region, recorded_secrets())));
  const DumpSummary summary = TRY(in_context(arguments.source, summarize(dump))).summary;

  OutputOptions options;
  options.incomplete = !summary.complete;
  const OutputFormat* format = find_output_format(arguments.format);
  Progress progress;
  progress.begin("writing pages", summary.bytes_raw);
  const auto show_progress = [&progress](PageCount done, PageCount) { progress.update(done * kPageSize); };
  const OutputReport report =
      TRY(in_context(arguments.source, format->write(dump, arguments.output, options, show_progress)));
  progress.finish();
  fmt::print("{}: {} pages, {} bytes, {}\n", arguments.output, report.pages, report.file_size,
             summary.completeness);
  return summary.complete ? kExitOk : kExitIncomplete;
}

}  // namespace

void register_extract_command(CLI::App& app, ExitCode& exit_code) {
  auto arguments = std::make_shared<ExtractArguments>();
  std::vector<std::string> format_names;
  for (const OutputFormat& format : output_formats()) format_names.emplace_back(format.name);
  arguments->format = format_names.front();

  CLI::App* command =
      app.add_subcommand("extract", "Write the dump of a region as a file for crash, drgn and others.");
  command->add_option("REGION", arguments->source, "PMEM device, or saved image of a region")->required();
  command->add_option("-o,--output", arguments->output, "File to write; must not exist")->required();
  command->add_option("--format", arguments->format, "File format")
      ->check(CLI::IsMember(format_names))
      ->capture_default_str();
  command->callback([arguments, &exit_code] {
    auto result = extract(*arguments);
    exit_code = result ? *result : report_failure(result.error());
  });
}

}  // namespace warmdump
