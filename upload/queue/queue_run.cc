#include "upload/queue/queue_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <random>
#include <utility>

#include "upload/policy/start_spread.h"
#include "upload/source/dump_key.h"

namespace warmdump {
namespace {

using std::chrono::seconds;

bool report_arrived(const DumpRecord& record) {
  const RecordedObject* manifest = record.find(kReportManifestName);
  return manifest != nullptr && manifest->state == ObjectState::done;
}

}  // namespace

QueueRun::QueueRun(const QueueOptions& options, QueueSeams& seams)
    : options_(options), seams_(seams), random_(seams.random), records_(seams.state) {
  if (random_) return;
  random_ = [engine = std::mt19937_64(std::random_device{}())]() mutable {
    return std::uniform_real_distribution<double>(0, 1)(engine);
  };
}

Outcome<QueueReport> QueueRun::run() {
  const UniqueFd lock = TRY(seams_.state.lock());
  TRY(load_state());
  if (TRY(may_begin())) {
    TRY(find_dumps());
    TRY(clear_up());
    TRY(send_reports());
    if (report_.end == QueueEnd::finished) TRY(send_pages());
  }
  TRY(store_state());
  return report();
}

Outcome<QueueReport> QueueRun::plan() {
  TRY(load_state());
  TRY(find_dumps());
  const auto rest = options_.now ? seconds(0) : remaining(state_.next, now());
  for (auto& entry : entries_) entry.told = intent(entry, rest.count() > 0);
  return report();
}

Moment QueueRun::now() const {
  Moment moment;
  moment.wall = std::chrono::system_clock::to_time_t(seams_.clock.now());
  moment.boot_id = seams_.boot_id;
  moment.since_boot = std::chrono::duration_cast<seconds>(seams_.clock.since_boot());
  moment.lived = lived_until(state_.seen, moment);
  return moment;
}

Outcome<void> QueueRun::load_state() {
  state_ = TRY(load_queue_state(seams_.state));
  if (state_.sink == seams_.destination.name()) return {};
  state_.sink = seams_.destination.name();
  state_.sink_is_parked = false;
  state_.sink_failures = 0;
  state_.next = {};
  state_.sink_error.reset();
  return {};
}

Outcome<void> QueueRun::store_state() {
  state_.seen = now();
  return store_queue_state(seams_.state, state_);
}

Outcome<Permission> QueueRun::permission(bool has_pages) {
  Surroundings surroundings = seams_.surroundings ? seams_.surroundings() : Surroundings();
  surroundings.is_paused = surroundings.is_paused || TRY(uploads_are_paused(seams_.state));
  return may_send_now(options_.permission, surroundings, has_pages);
}

bool QueueRun::is_due(const DumpRecord& record) const {
  return options_.now || remaining(record.next, now()).count() == 0;
}

QueueRun::Step QueueRun::end(QueueEnd how, const std::string& why) {
  report_.end = how;
  report_.why = why;
  return Step::end;
}

Outcome<bool> QueueRun::may_begin() {
  if (!options_.now) {
    const auto wait =
        spread_wait(options_.device, seams_.boot_id, options_.spread, seams_.clock.since_boot());
    if (wait.count() > 0 && TRY(permission(false)) == Permission::granted) {
      seams_.progress.note(fmt::format("waiting {:.0f} s, so that not all machines begin at once",
                                       std::chrono::duration<double>(wait).count()));
      seams_.clock.sleep_for(wait);
    }
  }
  if (is_stopping()) {
    end(QueueEnd::stopped, "stopped on request");
    return false;
  }
  const Permission permitted = TRY(permission(false));
  if (permitted == Permission::no_consent) TRY(drop_all(permission_text(permitted)));
  if (permitted != Permission::granted) {
    end(QueueEnd::not_now, permission_text(permitted));
    return false;
  }
  const auto rest = remaining(state_.next, now());
  if (options_.now || rest.count() == 0) return true;
  const std::string why = state_.sink_error ? state_.sink_error->text : "an earlier run failed";
  end(state_.sink_is_parked ? QueueEnd::sink_parked : QueueEnd::sink_rests,
      fmt::format("{}; tried again in {} s", why, rest.count()));
  return false;
}

Outcome<void> QueueRun::find_dumps() {
  if (has_looked_) return {};
  has_looked_ = true;
  scan_ = TRY(scan_spool(options_.spool, seams_.destination, now()));
  report_.untold = std::move(scan_.untold);
  std::map<std::string, DumpRecord> known;
  for (auto& record : TRY(records_.all(report_.untold))) {
    const std::string id = record.id;
    known.emplace(id, std::move(record));
  }
  for (auto& fresh : scan_.dumps) {
    const auto found = known.find(fresh.id);
    if (found != known.end()) {
      found->second.path = fresh.path;
      add_dump(std::move(found->second), false);
      known.erase(found);
    } else if (records_.find(fresh.id)) {
      add_dump(std::move(fresh), true);
    }  // else its record is of a newer schema or cannot be read: told above
  }
  for (auto& [id, record] : known) {
    if (is_final(record.state)) {  // a year of them is kept: what is not needed any more takes no memory
      record.files = {};
      record.objects = {};
    }
    others_.push_back(std::move(record));
  }
  return {};
}

void QueueRun::add_dump(DumpRecord record, bool is_new) {
  const ByteCount bytes_before = record.bytes_sent;
  if (record.state == DumpState::parked && options_.now) {
    record.state = report_arrived(record) ? DumpState::report_sent : DumpState::queued;
    record.deaths = 0;
    record.reason.clear();
  }
  entries_.push_back({std::move(record), bytes_before, is_new});
}

Outcome<void> QueueRun::finish(DumpRecord& record, DumpState state, const std::string& reason) {
  record.state = state;
  record.reason = reason;
  record.deaths = 0;
  record.next = {};
  record.ended = now();
  return records_.store(record);
}

Outcome<void> QueueRun::end_unsent(DumpRecord& record, const std::string& reason) {
  abandon_sessions(record, seams_.destination);
  return finish(record, report_arrived(record) ? DumpState::done : DumpState::dropped, reason);
}

bool QueueRun::is_waiting_here(const DumpRecord& record) const {
  return record.sink == state_.sink && !is_final(record.state);
}

Outcome<void> QueueRun::drop_all(const std::string& reason) {
  TRY(find_dumps());
  for (auto& entry : entries_) {
    if (!is_final(entry.record.state)) TRY(end_unsent(entry.record, reason));
    entry.told = entry.record.reason;
  }
  for (auto& record : others_) {
    if (is_waiting_here(record)) TRY(end_unsent(record, reason));
  }
  return {};
}

Outcome<void> QueueRun::clear_up() {
  std::vector<DumpRecord> all;
  std::vector<std::string> present;
  for (auto& entry : entries_) {
    const bool is_old = elapsed(entry.record.created, now()) >= options_.give_up_age;
    if (entry.is_new) TRY(records_.store(entry.record));
    if (!is_final(entry.record.state) && is_old) {
      TRY(end_unsent(entry.record, fmt::format("not sent within {} days", options_.give_up_age / kDay)));
    }
    present.push_back(entry.record.id);
    all.push_back(entry.record);
  }
  for (auto& record : others_) {
    const bool is_unknown =
        std::find(scan_.unknown.begin(), scan_.unknown.end(), record.path) != scan_.unknown.end();
    if (is_waiting_here(record) && !is_unknown) TRY(end_unsent(record, "the dump was removed or changed"));
    std::error_code error;
    if (std::filesystem::exists(record.path, error)) present.push_back(record.id);
    all.push_back(record);
  }
  for (const auto& id : prunable(all, present, now())) TRY(records_.remove(id));
  return {};
}

std::vector<std::size_t> QueueRun::order(bool of_pages) const {
  std::vector<OrderFacts> facts;
  for (const Entry& entry : entries_) {
    const DumpRecord& record = entry.record;
    OrderFacts fact{record.signature, record.crash_time, record.name, record.failures};
    if (fact.time == 0) fact.time = record.created.wall;
    const bool waits_for_report = record.state == DumpState::queued;
    const bool is_over = is_final(record.state) || record.state == DumpState::parked;
    fact.waits = of_pages ? !waits_for_report && !is_over : waits_for_report;
    fact.is_past = of_pages ? record.whole_was_sent : report_arrived(record);
    facts.push_back(std::move(fact));
  }
  return send_order(facts);
}

Outcome<void> QueueRun::send_reports() {
  for (const std::size_t index : order(false)) {
    Entry& entry = entries_[index];
    if (!is_due(entry.record)) {
      entry.told = "waits for its time";
    } else if (TRY(work(entry, false)) == Step::end) {
      break;
    }
  }
  return {};
}

Outcome<void> QueueRun::send_pages() {
  for (const std::size_t index : order(true)) {
    Entry& entry = entries_[index];
    if (!is_due(entry.record)) {
      entry.told = "waits for its time";
    } else if (TRY(send_pages_of(entry)) == Step::end) {
      break;
    }
  }
  return {};
}

QueueReport QueueRun::report() {
  std::optional<seconds> next;
  const auto sooner = [&](seconds wait) { next = next ? std::min(*next, wait) : wait; };
  for (auto& entry : entries_) {
    const DumpRecord& record = entry.record;
    const bool waits = !is_final(record.state) && record.state != DumpState::parked;
    if (waits) sooner(std::max(remaining(record.next, now()), remaining(state_.next, now())));
    if (entry.told.empty()) entry.told = record.reason;
    report_.dumps.push_back({record.name, record.id, record.state, entry.told,
                             record.bytes_sent - std::min(record.bytes_sent, entry.bytes_before)});
  }
  if (next) report_.next = std::max(*next, seconds(1));
  return std::move(report_);
}

std::string QueueRun::intent(const Entry& entry, bool rests) {
  const DumpRecord& record = entry.record;
  if (is_final(record.state) || record.state == DumpState::parked) {
    const std::string reason = record.reason.empty() ? "" : ": " + record.reason;
    return dump_state_name(record.state) + reason;
  }
  if (!is_due(record)) return fmt::format("waits {} s", remaining(record.next, now()).count());
  if (rests) return fmt::format("waits {} s with the destination", remaining(state_.next, now()).count());
  if (record.state == DumpState::queued) return "its report would be sent";
  return record.state == DumpState::report_sent ? "its pages would be sent, if they are wanted"
                                                : "its pages would be sent on";
}

}  // namespace warmdump
