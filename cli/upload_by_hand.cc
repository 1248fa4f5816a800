#include <cstdio>
#include <nlohmann/json.hpp>
#include <string>

#include "cli/command.h"
#include "cli/progress.h"
#include "cli/stop_signals.h"
#include "cli/upload_actions.h"
#include "cli/upload_progress.h"
#include "upload/queue/upload.h"

namespace warmdump {
namespace {

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
      {"key", report.key},
      {"time", report.receipt.time},
      {"bytes", report.bytes},
      {"bytes_sent", report.bytes_sent},
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
      std::printf("%s sent to %s as %s: %zu files, %s in %.1f s\n", dump, destination, report.key.c_str(),
                  report.receipt.files.size(), bytes_text(report.bytes).c_str(), report.seconds);
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

// A person without rights over the records of the service may upload, too; then nothing is remembered.
std::unique_ptr<StateFiles> records_of(const UploadArguments& arguments, const UploadSettings& settings) {
  auto state = open_state_directory(settings.state);
  if (state.has_value()) return std::move(*state);
  if (!arguments.state.empty() || state.error().code != ErrorCode::no_permission) {
    print_warning(state.error().message + "; a run that fails begins anew");
  }
  return nullptr;
}

}  // namespace

ExitCode upload_by_hand(const UploadArguments& arguments, const UploadSettings& settings) {
  auto destination = open_destination(settings);
  if (!destination.has_value()) return report_failure(destination.error());
  auto stop = StopRequest::make();
  if (!stop.has_value()) return report_failure(stop.error());
  const StopSignals signals(*stop);
  StoppableClock clock(*stop);
  const auto state = records_of(arguments, settings);
  UploadOptions options;
  options.again = arguments.again;
  options.device = settings.queue.device;
  options.retry = settings.queue.retry;
  options.state = state.get();
  options.stop = &*stop;
  // Ends before the result is printed, so that the bar's line is closed.
  auto report = [&] {
    ShownUploadProgress progress;
    return upload_dump(arguments.dump, **destination, options, progress, clock);
  }();
  if (!report.has_value()) {
    const ExitCode exit_code = report_failure(report.error().failure);
    return is_temporary(report.error()) ? kExitTemporary : exit_code;
  }
  arguments.json ? print_json(*report) : print_text(*report);
  return kExitOk;
}

}  // namespace warmdump
