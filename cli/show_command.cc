// warmdump show: what a dump holds.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "cli/command.h"
#include "cli/dump_report.h"
#include "cli/reader_protection.h"
#include "cli/staged_progress.h"
#include "cli/terminal.h"
#include "common/dump_format/dump_header.h"
#include "common/dump_format/dump_state.h"
#include "common/file_device.h"
#include "common/hosted/dump_file_names.h"
#include "common/hosted/interruption.h"
#include "common/hosted/whole_file.h"
#include "recover/report/dump_directory.h"
#include "recover/report/dump_map_json.h"
#include "recover/report/meta_json.h"
#include "recover/view_dump.h"

namespace warmdump {
namespace {

constexpr ByteCount kMetaSizeMax = 16 * kMiB;

struct ShowArguments {
  std::string source;
  bool json = false;
  bool log = false;
  bool map = false;
  bool is_verbose = false;
};

constexpr ByteCount kLogSizeMax = 256 * kMiB;

ExitCode exit_code_of(const DumpSummary& summary) {
  return summary.complete ? kExitOk : kExitIncomplete;
}

void print_summary(const DumpSummary& summary, const ShowArguments& arguments) {
  fmt::print("{}", arguments.json ? to_json(summary) : dump_report(summary, TerminalLook::of_output()));
}

// Where there is a file to open.
void print_commands(const DumpSummary& summary, const std::filesystem::path& directory) {
  const auto named = summary.files.find("vmcore");
  const std::string vmcore = named == summary.files.end() ? std::string(kVmcoreName) : named->second;
  std::error_code error;
  if (summary.encrypted || !std::filesystem::is_regular_file(directory / vmcore, error)) return;
  fmt::print("\nTo open it, in {}:\n{}", harmless(directory.string()),
             commands_report(summary, vmcore, TerminalLook::of_output()));
}

void print_map(const DumpMap& map, const ShowArguments& arguments) {
  fmt::print("{}", arguments.json ? to_json(map) : map_report(map, TerminalLook::of_output()));
}

// The file may come from anywhere; a log of warmdump's own has no other characters.
void print_log(std::string text) {
  std::replace_if(
      text.begin(), text.end(),
      [](char character) {
        return (character < ' ' && character != '\n' && character != '\t') || character == 0x7f;
      },
      '?');
  fmt::print("{}", text);
}

Outcome<ExitCode> show_directory(const std::filesystem::path& directory, const ShowArguments& arguments) {
  const DumpSummary summary = TRY(read_dump_directory(directory));
  if (arguments.map) {
    print_map(TRY(read_dump_map(directory)), arguments);
  } else if (arguments.log) {
    const auto meta = read_whole_file((directory / kMetaName).string(), kMetaSizeMax);
    const std::string name = meta ? dump_file_names(*meta).dmesg : std::string(kDmesgName);
    print_log(TRY(in_context("no log", read_whole_file((directory / name).string(), kLogSizeMax))));
  } else {
    print_summary(summary, arguments);
    if (!arguments.json) print_commands(summary, directory);
  }
  return exit_code_of(summary);
}

bool is_without_dump(const dump_format::RegionHeader& header) {
  return dump_format::is_ready_for_capture(static_cast<dump_format::State>(std::uint32_t{header.state}));
}

// What the header says, and not one frame: it is not this machine's dump.
template <class Header>
ExitCode print_unproven(const Header& header, Authenticity unproven, const ShowArguments& arguments) {
  RegionSummary region;
  region.state = "lost";
  if (header) region = summarize_region(*header);
  const char* const authenticity = authenticity_name(unproven);
  if (arguments.json) {
    auto json = nlohmann::ordered_json::parse(to_json(region));
    json["authenticity"] = authenticity;
    fmt::print("{}\n", json.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace));
  } else {
    fmt::print("{}", region_report(region, seal_text(authenticity), TerminalLook::of_output()));
  }
  return kExitIncomplete;
}

DumpView view_of(const ShowArguments& arguments) {
  if (arguments.map) return DumpView::map;
  return arguments.log ? DumpView::log : DumpView::summary;
}

Outcome<ExitCode> show_region(const ShowArguments& arguments) {
  const InterruptionWatch watch;
  FileDevice region;
  TRY(region.open(arguments.source.c_str(), FileDevice::Access::read_only));
  alignas(4096) std::array<std::byte, dump_format::kHeaderSize> buffer;
  const auto header = dump_format::read_header(region, buffer);
  if (header && (is_without_dump(*header) || dump_format::is_record_without_frames(*header))) {
    const RegionSummary summary = summarize_region(*header);
    if (arguments.map || arguments.log) return Failure(ErrorCode::not_found, "the region holds no dump");
    fmt::print("{}",
               arguments.json ? to_json(summary) : region_report(summary, "none", TerminalLook::of_output()));
    return summary.is_record_without_frames ? kExitIncomplete : kExitOk;
  }
  StagedProgress progress({"reading"});
  ViewRequest request{.view = view_of(arguments), .is_own_region = region.is_block_device()};
  request.missing = tell_missing_protection(arguments.is_verbose);
  request.progress = [&](unsigned stage, ByteCount done, ByteCount total) {
    progress.update(stage, done, total);
  };
  DumpContent content = TRY(view_dump(region, request));
  progress.finish();
  if (content.unproven) return print_unproven(header, *content.unproven, arguments);
  if (content.map) print_map(*content.map, arguments);
  if (content.summary) print_summary(*content.summary, arguments);
  if (arguments.log) print_log(std::move(content.log));
  return content.complete ? kExitOk : kExitIncomplete;
}

// Whatever its layout calls it.
bool is_vmcore_of_directory(const std::filesystem::path& file) {
  std::error_code error;
  if (!std::filesystem::is_regular_file(file, error)) return false;
  const auto meta =
      read_whole_file(std::filesystem::absolute(file, error).parent_path() / kMetaName, kMetaSizeMax);
  if (file.filename() == kImageName) return meta.has_value();
  return file.filename() == (meta ? dump_file_names(*meta) : DumpFileNames()).vmcore;
}

Outcome<ExitCode> show(const ShowArguments& arguments) {
  std::error_code error;
  std::filesystem::path directory = arguments.source;
  // The vmcore of a dump directory stands for its directory, and so does an image in it.
  if (is_vmcore_of_directory(directory))
    directory = std::filesystem::absolute(directory, error).parent_path();
  if (std::filesystem::is_directory(directory, error)) {
    return show_directory(directory, arguments);
  }
  return in_context(arguments.source, show_region(arguments));
}

}  // namespace

void register_show_command(CLI::App& app, ExitCode& exit_code) {
  auto arguments = std::make_shared<ShowArguments>();
  CLI::App* command = app.add_subcommand("show", "Tell what a region or a dump directory holds.");
  command->add_option("DUMP", arguments->source, "PMEM device, saved image of a region, or dump directory")
      ->required();
  CLI::Option* json = command->add_flag("--json", arguments->json, "Print JSON instead of text");
  CLI::Option* log = command->add_flag("--dmesg", arguments->log, "Print the kernel log and nothing else");
  CLI::Option* map =
      command->add_flag("--map", arguments->map, "Print a map of all memory instead of the summary");
  command->add_flag("--verbose", arguments->is_verbose, kVerboseText);
  log->excludes(json)->excludes(map);
  command->callback([arguments, &exit_code] {
    auto result = show(*arguments);
    exit_code = result ? *result : report_failure(result.error());
  });
}

}  // namespace warmdump
