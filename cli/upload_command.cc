// warmdump upload: sends a finished dump directory to a destination.

#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "cli/command.h"
#include "cli/progress.h"
#include "cli/upload_progress.h"
#include "upload/upload.h"

namespace warmdump {
namespace {

struct UploadArguments {
  std::string dump_directory;
  std::string destination;
  DestinationOptions options;
  UploadOptions upload;
  bool as_json = false;
};

const char* result_name(UploadResult result) {
  switch (result) {
    case UploadResult::sent:
      return "sent";
    case UploadResult::already_there:
      return "already_there";
    case UploadResult::receipt_found:
      return "receipt_found";
  }
  return "";
}

void print_json(const UploadReport& report) {
  nlohmann::ordered_json files = nlohmann::ordered_json::array();
  for (const auto& file : report.receipt.files) {
    files.push_back({{"name", file.name}, {"size", file.size}, {"sha256", file.sha256}});
  }
  const nlohmann::ordered_json json = {
      {"dump", report.dump_name},
      {"result", result_name(report.result)},
      {"destination", report.receipt.destination},
      {"time", report.receipt.time},
      {"bytes", report.bytes},
      {"attempts", report.attempts},
      {"seconds", report.seconds},
      {"files", std::move(files)},
  };
  std::printf("%s\n", json.dump(2, ' ', false, nlohmann::json::error_handler_t::replace).c_str());
}

void print_text(const UploadReport& report) {
  const char* const dump = report.dump_name.c_str();
  const char* const destination = report.receipt.destination.c_str();
  switch (report.result) {
    case UploadResult::sent:
      std::printf("%s sent to %s: %zu files, %s in %.1f s\n", dump, destination, report.receipt.files.size(),
                  bytes_text(report.bytes).c_str(), report.seconds);
      break;
    case UploadResult::already_there:
      std::printf("%s: %s already has exactly this dump\n", dump, destination);
      break;
    case UploadResult::receipt_found:
      std::printf("%s was sent to %s on %s; --again sends it once more\n", dump, destination,
                  report.receipt.time.c_str());
      break;
  }
}

ExitCode run_upload(const UploadArguments& arguments) {
  auto destination = make_destination(arguments.destination, arguments.options);
  if (!destination.has_value()) return report_failure(destination.error());
  if (arguments.destination.starts_with("http://")) {
    std::fprintf(stderr,
                 "warmdump: warning: http:// does not encrypt; who sees the traffic can read the dump\n");
  }
  // Ends before the result is printed, so that the bar's line is closed.
  auto report = [&] {
    ShownUploadProgress progress;
    return upload_dump(arguments.dump_directory, **destination, arguments.upload, progress, system_clock());
  }();
  if (!report.has_value()) {
    const ExitCode exit_code = report_failure(report.error().failure);
    return report.error().outlook == Outlook::temporary ? kExitTemporary : exit_code;
  }
  arguments.as_json ? print_json(*report) : print_text(*report);
  return kExitOk;
}

}  // namespace

void register_upload_command(CLI::App& app, ExitCode& exit_code) {
  const auto arguments = std::make_shared<UploadArguments>();
  CLI::App* command = app.add_subcommand("upload", "Send a finished dump directory to a destination");
  command->add_option("dump", arguments->dump_directory, "Dump directory, as recover left it")
      ->required()
      ->type_name("DUMPDIR");
  command->add_option("--to", arguments->destination, "dir:PATH, http://HOST/PATH or https://HOST/PATH")
      ->required()
      ->type_name("DESTINATION");
  command->add_option("--ca-file", arguments->options.ca_file, "PEM roots to trust instead of the system's")
      ->type_name("FILE");
  command
      ->add_option("--credentials-file", arguments->options.credentials_file,
                   "File (mode 0600) with one line: user:password, or Bearer TOKEN; https only")
      ->type_name("FILE");
  command
      ->add_option("--attempts", arguments->upload.retry.attempts_max, "Attempts for each file (default 5)")
      ->check(CLI::Range(1, 100))
      ->type_name("N");
  command->add_flag("--again", arguments->upload.again, "Send even if a receipt says it was sent");
  command->add_flag("--json", arguments->as_json, "Print the result as JSON");
  command->callback([arguments, &exit_code] { exit_code = run_upload(*arguments); });
}

}  // namespace warmdump
