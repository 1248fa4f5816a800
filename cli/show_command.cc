// warmdump show: what a dump holds.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "cli/command.h"
#include "cli/dump_report.h"
#include "cli/terminal.h"
#include "cli/watched_device.h"
#include "common/dump_format/dump_header.h"
#include "common/dump_format/dump_state.h"
#include "common/file_device.h"
#include "common/hosted/dump_file_names.h"
#include "common/hosted/whole_file.h"
#include "recover/dump/dump_reader.h"
#include "recover/dump/located_dump.h"
#include "recover/report/dump_directory.h"
#include "recover/report/dump_map_json.h"
#include "recover/report/encrypted_directory.h"
#include "recover/report/meta_json.h"

namespace warmdump {
namespace {

constexpr ByteCount kMetaSizeMax = 16 * kMiB;

struct ShowArguments {
  std::string source;
  bool json = false;
  bool log = false;
  bool map = false;
};

constexpr ByteCount kLogSizeMax = 256 * kMiB;

ExitCode exit_code_of(const DumpSummary& summary) {
  return summary.complete ? kExitOk : kExitIncomplete;
}

void print_summary(const DumpSummary& summary, const ShowArguments& arguments) {
  fmt::print("{}", arguments.json ? to_json(summary) : dump_report(summary, TerminalLook::of_output()));
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
  }
  return exit_code_of(summary);
}

bool is_without_dump(const dump_format::RegionHeader& header) {
  return dump_format::is_ready_for_capture(static_cast<dump_format::State>(std::uint32_t{header.state}));
}

// What the header says, and not one frame: it is not this machine's dump.
ExitCode print_unproven(const LocatedDump& located, const ShowArguments& arguments) {
  RegionSummary region;
  region.state = "lost";
  if (located.header) region = summarize_region(*located.header);
  const char* const authenticity = authenticity_name(located.authenticity);
  if (arguments.json) {
    auto json = nlohmann::ordered_json::parse(to_json(region));
    json["authenticity"] = authenticity;
    fmt::print("{}\n", json.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace));
  } else {
    fmt::print("{}", region_report(region, seal_text(authenticity), TerminalLook::of_output()));
  }
  return kExitIncomplete;
}

Outcome<ExitCode> show_encrypted(const DumpImage& image, const ShowArguments& arguments) {
  if (arguments.map || arguments.log) {
    return Failure(ErrorCode::refused,
                   "the dump is encrypted: `warmdump decrypt` opens it where the private key is");
  }
  const DumpSummary summary = summarize_encrypted(image);
  print_summary(summary, arguments);
  return exit_code_of(summary);
}

bool is_unproven(const LocatedDump& located) {
  return located.authenticity == Authenticity::unsealed || located.authenticity == Authenticity::unknown_boot;
}

Outcome<ExitCode> show_region(const ShowArguments& arguments) {
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
  const std::vector<SealSecret> secrets = recorded_secrets();
  const LocatedDump located = TRY(locate_dump(region, secrets));
  // A file may be of another machine, and is shown to whoever named it.
  if (region.is_block_device() && is_unproven(located)) return print_unproven(located, arguments);
  if (located.is_encrypted) return show_encrypted(TRY(DumpImage::open(region, secrets)), arguments);
  const WatchedDevice watched(region, "reading", header ? ByteCount{header->frames_end} : region.size());
  const DumpReader dump = TRY(DumpReader::open(watched, secrets));
  const DumpContents contents = TRY(summarize(dump));
  watched.finish();
  if (arguments.map) {
    print_map(TRY(map_memory(dump)), arguments);
  } else if (arguments.log) {
    if (!contents.summary.log_error.empty()) return Failure(ErrorCode::not_found, contents.summary.log_error);
    print_log(format_printk_log(contents.log));
  } else {
    print_summary(contents.summary, arguments);
  }
  return exit_code_of(contents.summary);
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
  log->excludes(json)->excludes(map);
  command->callback([arguments, &exit_code] {
    auto result = show(*arguments);
    exit_code = result ? *result : report_failure(result.error());
  });
}

}  // namespace warmdump
