// warmdump show: what a dump holds.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <array>
#include <filesystem>
#include <memory>
#include <string>

#include "cli/command.h"
#include "cli/dump_report.h"
#include "common/dump_format/dump_header.h"
#include "common/dump_format/dump_state.h"
#include "common/file_device.h"
#include "recover/dump/dump_reader.h"
#include "recover/report/dump_directory.h"
#include "recover/report/meta_json.h"

namespace warmdump {
namespace {

struct ShowArguments {
  std::string source;
  bool json = false;
};

ExitCode print(const DumpSummary& summary, const ShowArguments& arguments) {
  fmt::print("{}", arguments.json ? to_json(summary) : dump_report(summary));
  return summary.complete ? kExitOk : kExitIncomplete;
}

bool is_without_dump(const dump_format::RegionHeader& header) {
  return dump_format::is_ready_for_capture(static_cast<dump_format::State>(std::uint32_t{header.state}));
}

Outcome<ExitCode> show_region(const ShowArguments& arguments) {
  FileDevice region;
  TRY(region.open(arguments.source.c_str(), FileDevice::Access::read_only));
  alignas(4096) std::array<std::byte, dump_format::kHeaderSize> buffer;
  const auto header = dump_format::read_header(region, buffer);
  if (header && (is_without_dump(*header) || dump_format::is_record_without_frames(*header))) {
    const RegionSummary summary = summarize_region(*header);
    fmt::print("{}", arguments.json ? to_json(summary) : region_report(summary));
    return summary.is_record_without_frames ? kExitIncomplete : kExitOk;
  }
  const DumpReader dump = TRY(DumpReader::open(region, recorded_secrets()));
  return print(TRY(summarize(dump)).summary, arguments);
}

Outcome<ExitCode> show(const ShowArguments& arguments) {
  std::error_code error;
  std::filesystem::path directory = arguments.source;
  // The vmcore of a dump directory stands for its directory.
  if (directory.filename() == kVmcoreName && std::filesystem::is_regular_file(directory, error)) {
    directory = std::filesystem::absolute(directory, error).parent_path();
  }
  if (std::filesystem::is_directory(directory, error)) {
    return print(TRY(read_dump_directory(directory)), arguments);
  }
  return in_context(arguments.source, show_region(arguments));
}

}  // namespace

void register_show_command(CLI::App& app, ExitCode& exit_code) {
  auto arguments = std::make_shared<ShowArguments>();
  CLI::App* command = app.add_subcommand("show", "Tell what a region or a dump directory holds.");
  command->add_option("DUMP", arguments->source, "PMEM device, saved image of a region, or dump directory")
      ->required();
  command->add_flag("--json", arguments->json, "Print the contents of meta.json instead of text");
  command->callback([arguments, &exit_code] {
    auto result = show(*arguments);
    exit_code = result ? *result : report_failure(result.error());
  });
}

}  // namespace warmdump
