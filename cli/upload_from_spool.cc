#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "cli/command.h"
#include "cli/journal_stream.h"
#include "cli/progress.h"
#include "cli/service_clock.h"
#include "cli/stop_signals.h"
#include "cli/upload_actions.h"
#include "cli/upload_progress.h"
#include "common/hosted/whole_file.h"
#include "upload/queue/tidy.h"
#include "upload/surroundings/consent_file.h"
#include "upload/surroundings/metered_link.h"
#include "upload/surroundings/power_supply.h"

namespace warmdump {
namespace {

constexpr const char* kBusctl = "/usr/bin/busctl";

const char* end_name(QueueEnd end) {
  switch (end) {
    case QueueEnd::finished:
      return "finished";
    case QueueEnd::not_now:
      return "not_now";
    case QueueEnd::sink_parked:
      return "sink_parked";
    case QueueEnd::sink_rests:
      return "sink_rests";
    case QueueEnd::stopped:
      return "stopped";
  }
  return "";
}

void print_json(const QueueReport& report, const std::string& destination, bool is_plan) {
  nlohmann::ordered_json dumps = nlohmann::ordered_json::array();
  for (const QueuedDump& dump : report.dumps) {
    dumps.push_back({{"dump", dump.name},
                     {"id", dump.id},
                     {"state", dump_state_name(dump.state)},
                     {"told", dump.told},
                     {"bytes_sent", dump.bytes_sent}});
  }
  const nlohmann::ordered_json json = {{"schema", 1},
                                       {"dry_run", is_plan},
                                       {"destination", destination},
                                       {"end", end_name(report.end)},
                                       {"why", report.why},
                                       {"next_s", report.next.count()},
                                       {"dumps", std::move(dumps)},
                                       {"untold", report.untold}};
  std::printf("%s\n", json.dump(2, ' ', false, nlohmann::json::error_handler_t::replace).c_str());
}

void print_text(const QueueReport& report, const std::string& destination) {
  for (const QueuedDump& dump : report.dumps) {
    std::printf("%s: %s\n", dump.name.c_str(), dump.told.c_str());
  }
  if (report.dumps.empty()) std::printf("no dump waits for %s\n", destination.c_str());
  if (report.end != QueueEnd::finished) std::printf("%s\n", report.why.c_str());
  if (report.next.count() > 0) {
    std::printf("something is due again in %s\n", duration_text(report.next).c_str());
  }
}

ExitCode exit_code_of(const QueueReport& report) {
  switch (report.end) {
    case QueueEnd::finished:
      return report.has_failed ? kExitTemporary : kExitOk;
    case QueueEnd::sink_parked:
      return kExitFailure;
    case QueueEnd::not_now:
    case QueueEnd::sink_rests:
    case QueueEnd::stopped:
      return kExitTemporary;
  }
  return kExitFailure;
}

std::string boot_id() {
  auto text = read_whole_file("/proc/sys/kernel/random/boot_id", 64);
  if (!text.has_value()) return "";
  while (text->ends_with('\n')) text->pop_back();
  return *text;
}

// What the machine is like, looked at anew for each question.
class Machine {
 public:
  Machine(const UploadSettings& settings, Clock& clock)
      : consent_file_(settings.consent_file),
        asks_power_(!settings.queue.permission.sends_on_battery),
        link_(settings.metered_command, kBusctl, clock),
        asks_link_(settings.queue.permission.metered != MeteredUse::always) {}

  Surroundings look() {
    Surroundings seen;
    seen.has_consent = has_consent(consent_file_);
    seen.is_on_battery = asks_power_ && is_on_battery();
    seen.is_metered = asks_link_ && link_.is_metered().value_or(false);
    if (const std::string complaint = link_.complaint(); !complaint.empty()) print_warning(complaint);
    return seen;
  }

 private:
  std::string consent_file_;
  bool asks_power_;
  MeteredLink link_;
  bool asks_link_;
};

Outcome<QueueReport> run(const UploadArguments& arguments, const UploadSettings& settings,
                         Destination& destination, ServiceNotifier& notifier) {
  StopRequest stop = TRY(StopRequest::make());
  const StopSignals signals(stop);
  ServiceClock clock(stop, notifier);
  const auto state =
      TRY(arguments.dry_run ? open_state_for_reading(settings.state) : open_state_directory(settings.state));
  Machine machine(settings, clock);
  ShownUploadProgress progress(&notifier);
  QueueSeams seams{.destination = destination,
                   .state = *state,
                   .clock = clock,
                   .progress = progress,
                   .boot_id = boot_id(),
                   .surroundings = [&machine] { return machine.look(); },
                   .stop = &stop};
  return arguments.dry_run ? plan_queue(settings.queue, seams) : run_queue(settings.queue, seams);
}

}  // namespace

ExitCode upload_from_spool(const UploadArguments& arguments, const UploadSettings& settings) {
  ServiceNotifier notifier;
  // A unit may end before it has anything to do, and must not count as failed then.
  notifier.ready();
  if (settings.address.empty()) {
    std::fprintf(stderr, "%swarmdump: nothing to do: [upload] of %s says no \"to\"\n",
                 journal_prefix(JournalPriority::info), arguments.settings.c_str());
    return kExitOk;
  }
  const auto destination = open_destination(settings);
  if (!destination.has_value()) return report_failure(destination.error());
  const auto report = run(arguments, settings, **destination, notifier);
  notifier.stopping();
  if (!report.has_value()) return report_failure(report.error());
  for (const std::string& line : report->untold) print_warning(line);
  const std::string name = (*destination)->name();
  arguments.json ? print_json(*report, name, arguments.dry_run) : print_text(*report, name);
  return arguments.dry_run ? kExitOk : exit_code_of(*report);
}

ExitCode tidy_spool(const UploadArguments& arguments, const UploadSettings& settings) {
  (void)arguments;
  if (!settings.delete_sent || settings.address.empty()) return kExitOk;
  const auto destination = make_destination(settings.address, settings.destination);
  if (!destination.has_value()) return report_failure(destination.error());
  const auto state = open_state_for_reading(settings.state);
  if (!state.has_value()) return report_failure(state.error());
  const auto report = remove_sent_dumps(settings.queue.spool, **state, (*destination)->name());
  if (!report.has_value()) return report_failure(report.error());
  for (const std::string& name : report->removed) std::printf("%s was sent, and is removed\n", name.c_str());
  for (const std::string& line : report->kept) print_warning(line);
  return kExitOk;
}

}  // namespace warmdump
