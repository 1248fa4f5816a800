#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <ctime>
#include <nlohmann/json.hpp>
#include <set>
#include <string>

#include "cli/command.h"
#include "cli/progress.h"
#include "cli/upload_actions.h"
#include "common/hosted/whole_file.h"

namespace warmdump {
namespace {

Moment moment_now(const QueueState& queue) {
  Moment now;
  now.wall = std::time(nullptr);
  if (auto text = read_whole_file("/proc/sys/kernel/random/boot_id", 64)) {
    while (text->ends_with('\n')) text->pop_back();
    now.boot_id = *text;
  }
  now.since_boot = std::chrono::duration_cast<std::chrono::seconds>(system_clock().since_boot());
  now.lived = lived_until(queue.seen, now);
  return now;
}

struct SentToday {
  ByteCount bytes = 0;
  std::set<std::string> vmcores = {};  // ids of their dumps
};

SentToday sent_today(const QueueState& queue, const Moment& now) {
  SentToday today;
  for (const SentEntry& entry : queue.journal) {
    if (elapsed(entry.at, now) >= kDay) continue;
    today.bytes += entry.bytes;
    if (entry.has_pages) today.vmcores.insert(entry.dump);
  }
  return today;
}

std::string error_text(const RecordedError& error) {
  return error.http_status == 0 ? error.text : fmt::format("{} (HTTP {})", error.text, error.http_status);
}

nlohmann::ordered_json as_json(const DumpRecord& record, const Moment& now) {
  nlohmann::ordered_json json = {{"dump", record.name},
                                 {"id", record.id},
                                 {"destination", record.sink},
                                 {"key", record.key},
                                 {"state", dump_state_name(record.state)},
                                 {"reason", record.reason},
                                 {"whole_was_sent", record.whole_was_sent},
                                 {"signature", record.signature},
                                 {"bytes", record.bytes},
                                 {"bytes_sent", record.bytes_sent},
                                 {"attempts", record.attempts},
                                 {"failures", record.failures},
                                 {"next_s", remaining(record.next, now).count()},
                                 {"last_error", nullptr}};
  if (record.last_error) {
    json["last_error"] = {{"text", record.last_error->text},
                          {"http_status", record.last_error->http_status},
                          {"server_code", record.last_error->server_code}};
  }
  return json;
}

void print_json(const QueueStatus& status, const UploadSettings& settings, const Moment& now) {
  nlohmann::ordered_json dumps = nlohmann::ordered_json::array();
  for (const DumpRecord& record : status.records) dumps.push_back(as_json(record, now));
  const SentToday today = sent_today(status.queue, now);
  nlohmann::ordered_json json = {{"schema", 1},
                                 {"is_configured", !settings.address.empty()},
                                 {"destination", status.queue.sink},
                                 {"is_paused", status.is_paused},
                                 {"is_parked", status.queue.sink_is_parked},
                                 {"next_s", remaining(status.queue.next, now).count()},
                                 {"error", nullptr},
                                 {"sent_today", {{"bytes", today.bytes}, {"vmcores", today.vmcores.size()}}},
                                 {"dumps", std::move(dumps)},
                                 {"untold", status.untold}};
  if (status.queue.sink_error) json["error"] = status.queue.sink_error->text;
  std::printf("%s\n", json.dump(2, ' ', false, nlohmann::json::error_handler_t::replace).c_str());
}

// Where it goes is told of those alone that do not go to `sink`, that of the queue.
std::string record_line(const DumpRecord& record, const std::string& sink, const Moment& now) {
  std::string line = fmt::format("  {:<44} {:<12} {:>10}", record.name, dump_state_name(record.state),
                                 bytes_text(record.bytes));
  if (record.sink != sink) line += "  to " + record.sink;
  if (!record.reason.empty()) line += "  " + record.reason;
  if (is_final(record.state)) return line;
  if (const auto wait = remaining(record.next, now); wait.count() > 0) {
    line += "  again in " + duration_text(wait);
  }
  if (record.last_error) line += fmt::format("\n  {:<44} {}", "", error_text(*record.last_error));
  return line;
}

void print_text(const QueueStatus& status, const UploadSettings& settings, const Moment& now) {
  const QueueState& queue = status.queue;
  if (settings.address.empty()) std::puts("nothing is sent: [upload] of the settings says no \"to\"");
  if (!queue.sink.empty()) std::printf("destination: %s\n", queue.sink.c_str());
  if (status.is_paused) std::puts("paused: `warmdump upload resume` goes on");
  if (queue.sink_error && (queue.sink_is_parked || queue.sink_failures > 0)) {
    std::printf("%s: %s\n", queue.sink_is_parked ? "PARKED, somebody has to mend this" : "resting",
                error_text(*queue.sink_error).c_str());
    if (const auto wait = remaining(queue.next, now); wait.count() > 0) {
      std::printf("  tried again in %s\n", duration_text(wait).c_str());
    }
  }
  const SentToday today = sent_today(queue, now);
  std::printf("sent in the last 24 hours: %s, vmcores: %zu\n", bytes_text(today.bytes).c_str(),
              today.vmcores.size());
  if (status.records.empty()) std::puts("no dump is known");
  for (const DumpRecord& record : status.records)
    std::printf("%s\n", record_line(record, queue.sink, now).c_str());
}

}  // namespace

ExitCode show_upload_status(const UploadArguments& arguments, const UploadSettings& settings) {
  const auto state = open_state_for_reading(settings.state);
  if (!state.has_value()) return report_failure(state.error());
  const auto status = queue_status(**state);
  if (!status.has_value()) return report_failure(status.error());
  const Moment now = moment_now(status->queue);
  for (const std::string& line : status->untold) print_warning(line);
  arguments.json ? print_json(*status, settings, now) : print_text(*status, settings, now);
  return kExitOk;
}

ExitCode pause_uploading(const UploadSettings& settings) {
  const auto state = open_state_directory(settings.state);
  if (!state.has_value()) return report_failure(state.error());
  const auto paused = pause_uploads(**state);
  if (!paused.has_value()) return report_failure(paused.error());
  std::puts("uploads are paused, over reboots too, until: warmdump upload resume");
  return kExitOk;
}

ExitCode resume_uploading(const UploadSettings& settings) {
  const auto state = open_state_directory(settings.state);
  if (!state.has_value()) return report_failure(state.error());
  const auto resumed = resume_uploads(**state);
  if (!resumed.has_value()) return report_failure(resumed.error());
  std::puts("uploads go on with the next run: of the timer, or: warmdump upload --now");
  return kExitOk;
}

}  // namespace warmdump
