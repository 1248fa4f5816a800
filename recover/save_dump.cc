#include "recover/save_dump.h"

#include <fmt/format.h>

#include <algorithm>

#include "common/stopwatch.h"

namespace warmdump {

Outcome<void> DumpSaver::save(const DumpIdentity& identity, const Spool& spool, DumpOutcome outcome) {
  const std::string id = dump_id_text(identity.id);
  auto saved = TRY(spool.find(id));
  if (saved) {
    report_.outcome = DumpOutcome::already_saved;
    report_.directory = *saved;
    events_.step("dump was saved by an interrupted run: " + saved->string());
    return {};
  }
  // What is to be forwarded must be there.
  if (helpers_.forwarder == nullptr && spool.was_published(id)) {
    report_.outcome = DumpOutcome::already_saved;
    events_.step("dump was saved by an interrupted run, and taken out of the spool since");
    return {};
  }

  const Stopwatch stopwatch;
  if (helpers_.keeper != nullptr) tell_retention(helpers_.keeper->make_room(expected_size()), events_);
  auto done = extract(identity, spool, outcome);
  if (!done && done.error().code == ErrorCode::no_space && make_room_on_full_disk()) {
    done = extract(identity, spool, outcome);
  }
  TRY(std::move(done));
  report_.extract_ms = stopwatch.elapsed_ms();
  return {};
}

bool DumpSaver::make_room_on_full_disk() {
  if (helpers_.keeper == nullptr) return false;
  const auto made = helpers_.keeper->make_room_on_full_disk(expected_size());
  tell_retention(made, events_);
  if (!made || made->removed.empty()) return false;
  events_.step("the disk was full, and has room again: trying once more");
  return true;
}

// Pages compressed one by one take about twice what frames take.
ByteCount DumpSaver::expected_size() const {
  const ByteCount frames_end = report_.header ? std::uint64_t{report_.header->frames_end} : 0;
  return frames_end == 0 ? region_.size() : std::min<ByteCount>(frames_end, region_.size()) * 2;
}

Outcome<void> DumpSaver::extract(const DumpIdentity& identity, const Spool& spool, DumpOutcome outcome) {
  const std::filesystem::path incomplete = TRY(spool.begin(dump_id_text(identity.id), identity.crash_time_s));
  events_.step("extracting into " + incomplete.string());
  auto extracted = extractor_.extract(region_, incomplete, [&](ByteCount done, ByteCount total) {
    events_.progress("extracting", done, total);
  });
  if (!extracted) {
    spool.discard(incomplete);
    Failure failure = std::move(extracted.error());
    failure.message += "; the dump stays on the region";
    return std::move(failure).in("cannot extract the dump");
  }
  const Stopwatch flushing;
  auto published = spool.publish(incomplete);
  report_.flush_ms = flushing.elapsed_ms();
  if (!published) {
    spool.discard(incomplete);
    return std::move(published.error()).in("cannot keep the dump");
  }
  report_.outcome = outcome;
  report_.directory = *published;
  report_.dump = std::move(*extracted);
  events_.step("dump saved: " + report_.directory.string());
  return {};
}

void tell_retention(const Outcome<RetentionReport>& report, RecoverEvents& events) {
  if (!report) {
    events.step("old dumps stay: " + report.error().message);
    return;
  }
  for (const std::filesystem::path& directory : report->removed) {
    events.step("deleted for the limits of the spool: " + directory.string());
  }
  if (!report->unmet.empty()) events.step("limits of the spool: " + report->unmet);
}

std::string dump_id_text(const FrameDumpId& id) {
  std::string text;
  for (const std::byte byte : id) text += fmt::format("{:02x}", std::to_integer<unsigned>(byte));
  return text;
}

}  // namespace warmdump
