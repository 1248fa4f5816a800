// QueueRun: the work on one dump, and what follows from its failures.

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "upload/policy/failure_verdict.h"
#include "upload/queue/queue_run.h"
#include "upload/queue/receipt.h"

namespace warmdump {
namespace {

using std::chrono::seconds;

constexpr unsigned kDeathsMax = 3;

}  // namespace

Outcome<QueueRun::Step> QueueRun::send_pages_of(Entry& entry) {
  DumpRecord& record = entry.record;
  if (is_stopping()) return end(QueueEnd::stopped, "stopped on request");
  const Permission permitted = TRY(permission(true));
  if (permitted == Permission::no_consent) TRY(drop_all(permission_text(permitted)));
  if (permitted != Permission::granted) return end(QueueEnd::not_now, permission_text(permitted));
  if (record.state == DumpState::report_sent) {
    const auto decision = TRY(decide(entry));
    if (!decision) return report_.end == QueueEnd::finished ? Step::go_on : Step::end;
    if (*decision != PagesDecision::send) return Step::go_on;
  }
  const auto allowance = may_send(options_.limits, state_.journal, now(), record.id, true, 1);
  if (!allowance.is_allowed) {
    entry.told = "waits: what may be sent in a day was sent";
    record.next = {now(), allowance.until};
    TRY(records_.store(record));
    return Step::go_on;
  }
  count_sent(state_.journal, {now(), record.id, record.signature, true, 0});
  TRY(store_state());
  return work(entry, true);
}

// Nothing when the server could not be asked.
Outcome<std::optional<PagesDecision>> QueueRun::decide(Entry& entry) {
  DumpRecord& record = entry.record;
  PagesFacts facts;
  facts.policy = options_.pages;
  if (facts.policy != PagesPolicy::never) {
    halt_.reset();
    auto answer = seams_.destination.asked_for(record.key);
    if (!answer.has_value()) {
      TRY(fail(entry, answer.error()));
      return std::optional<PagesDecision>();
    }
    facts.answer = *answer;
  }
  facts.per_signature = options_.limits.pages_per_signature;
  facts.sent_today = pages_sent_today(state_.journal, now(), record.signature, record.id);
  record.want = facts.answer;
  const PagesDecision decision = decide_pages(facts);
  if (decision == PagesDecision::ask_later) {
    entry.told = "its report is there; whether its pages are wanted is asked again later";
    record.next = {now(), probe_wait(random_())};
    TRY(records_.store(record));
  } else if (decision == PagesDecision::report_only) {
    const bool is_enough = facts.answer != Destination::Want::nothing && facts.policy == PagesPolicy::always;
    entry.told = is_enough ? "the report alone: enough dumps of this crash were sent today"
                           : "the report alone: its pages are not wanted";
    TRY(finish(record, DumpState::done, entry.told));
  }
  return std::optional(decision);
}

Outcome<QueueRun::Step> QueueRun::work(Entry& entry, bool has_pages) {
  DumpRecord& record = entry.record;
  if (is_stopping()) return end(QueueEnd::stopped, "stopped on request");
  auto dump = open_dump_directory(record.path);
  if (!dump || record_id(record.sink, *dump) != record.id) {
    entry.told = dump ? "it was changed just now" : dump.error().message;
    report_.has_failed = report_.has_failed || (!dump && dump.error().code != ErrorCode::busy);
    return Step::go_on;
  }
  if (record.deaths >= kDeathsMax) {
    record.state = DumpState::parked;
    record.reason =
        fmt::format("{} processes died while they worked on it; --now tries it again", kDeathsMax);
    report_.has_failed = true;
    TRY(records_.store(record));
    return Step::go_on;
  }
  ++record.deaths;
  TRY(records_.store(record));
  halt_.reset();
  counted_ = 0;
  const ByteCount sent_before = record.bytes_sent;
  auto sent = send(entry, *dump, has_pages);
  record.deaths = 0;
  const ByteCount really_sent = record.bytes_sent - sent_before;
  take_back(state_.journal, record.id, has_pages, counted_ - std::min(counted_, really_sent));
  if (!sent.has_value()) return fail(entry, sent.error());
  TRY(succeed(entry, has_pages));
  return Step::go_on;
}

SendOutcome<void> QueueRun::send(Entry& entry, DumpDirectory& dump, bool has_pages) {
  TransferOptions transfer_options;
  transfer_options.retry = options_.retry;
  transfer_options.random = random_;
  transfer_options.budget = &budget_;
  transfer_options.stop = seams_.stop;
  transfer_options.may_go_on = [&](ByteCount next_bytes) { return may_go_on(entry, has_pages, next_bytes); };
  const auto store = [this](const DumpRecord& record) { return records_.store(record); };
  DumpTransfer transfer(dump, entry.record, seams_.destination, options_.device, transfer_options, store,
                        seams_.progress, seams_.clock);
  auto& progress = seams_.progress;
  if (entry.record.dump_id.empty()) progress.begin("checking " + dump.name, dump.total_bytes());
  TRY(in_context(dump.path, transfer.prepare([&](ByteCount done) { progress.update(done); })));
  if (!has_pages && TRY(was_sent_before(entry, dump))) {
    entry.record.state = DumpState::done;
    entry.record.whole_was_sent = true;
    return {};
  }
  progress.begin((has_pages ? "" : "report of ") + dump.name,
                 has_pages ? transfer.page_bytes() : transfer.report_bytes());
  TRY(has_pages ? transfer.send_pages() : transfer.send_report());
  progress.finish();
  return {};
}

// By a version that left receipts in the directory, or under another name.
Outcome<bool> QueueRun::was_sent_before(const Entry& entry, const DumpDirectory& dump) {
  const DumpRecord& record = entry.record;
  const auto is_same = [&](const DumpRecord& other) {
    return other.id != record.id && other.sink == record.sink && other.state == DumpState::done &&
           other.whole_was_sent && other.dump_id == record.dump_id;
  };
  if (std::any_of(others_.begin(), others_.end(), is_same)) return true;
  if (std::any_of(entries_.begin(), entries_.end(), [&](const Entry& e) { return is_same(e.record); }))
    return true;
  std::vector<ReceiptFile> files;
  for (const auto& file : dump.files) files.push_back({file.name, file.size, file.sha256});
  const auto receipts = TRY(in_context(dump.path, load_receipts(dump.directory.get())));
  return find_receipt(receipts, record.sink, files) != nullptr;
}

SendOutcome<void> QueueRun::may_go_on(const Entry& entry, bool has_pages, ByteCount next_bytes) {
  const auto halt = [&](Halt why) {
    halt_ = std::move(why);
    return SendFailure(Failure(ErrorCode::refused, "not now"), Remedy::wait);
  };
  auto permitted = permission(has_pages);
  if (!permitted) return halt({Permission::granted, {}, std::move(permitted.error())});
  if (*permitted != Permission::granted) return halt({*permitted});
  if (next_bytes == 0) return {};
  const DumpRecord& record = entry.record;
  const auto allowance = may_send(options_.limits, state_.journal, now(), record.id, has_pages, next_bytes);
  if (!allowance.is_allowed) return halt({Permission::granted, allowance});
  count_sent(state_.journal, {now(), record.id, record.signature, has_pages, next_bytes});
  counted_ += next_bytes;
  if (options_.limits.bytes == 0) return {};
  auto stored = store_state();
  if (!stored) return halt({Permission::granted, {}, std::move(stored.error())});
  return {};
}

Outcome<void> QueueRun::succeed(Entry& entry, bool has_pages) {
  DumpRecord& record = entry.record;
  record.failures = 0;
  record.next = {};
  record.last_error.reset();
  state_.sink_is_parked = false;
  state_.sink_failures = 0;
  state_.next = {};
  state_.sink_error.reset();
  record.whole_was_sent = record.whole_was_sent || has_pages;
  if (record.whole_was_sent) {
    entry.told = has_pages ? "sent" : "was sent before";
    TRY(finish(record, DumpState::done, ""));
  } else {
    entry.told = "its report was sent";
    TRY(records_.store(record));
  }
  return store_state();
}

Outcome<QueueRun::Step> QueueRun::fail(Entry& entry, const SendFailure& failure) {
  DumpRecord& record = entry.record;
  if (is_stopping()) {
    entry.told = "stopped; the next run goes on";
    TRY(records_.store(record));
    return end(QueueEnd::stopped, "stopped on request");
  }
  if (halt_) return halted(entry);
  report_.has_failed = true;
  entry.told = failure.failure.message;
  record.last_error = recorded_error(failure);
  return blame(entry, failure);
}

Outcome<QueueRun::Step> QueueRun::halted(Entry& entry) {
  DumpRecord& record = entry.record;
  if (halt_->failure) {
    (void)records_.store(record);
    return std::move(*halt_->failure);
  }
  if (halt_->permission == Permission::no_consent) {
    TRY(end_unsent(record, permission_text(Permission::no_consent)));
    TRY(drop_all(permission_text(Permission::no_consent)));
    return end(QueueEnd::not_now, permission_text(Permission::no_consent));
  }
  if (halt_->limit && halt_->limit->is_too_large) {
    record.state = DumpState::parked;
    record.reason = "larger than what may be sent in a day, and the destination takes it in one piece";
    report_.has_failed = true;
  } else if (halt_->limit) {
    record.next = {now(), halt_->limit->until};
    entry.told = "goes on later: what may be sent in a day was sent";
  } else {
    entry.told = permission_text(halt_->permission);
  }
  TRY(records_.store(record));
  if (halt_->permission == Permission::granted) return Step::go_on;
  return end(QueueEnd::not_now, permission_text(halt_->permission));
}

Outcome<QueueRun::Step> QueueRun::blame(Entry& entry, const SendFailure& failure) {
  DumpRecord& record = entry.record;
  const Verdict verdict = verdict_of(failure);
  if (!verdict.keeps_session) abandon_sessions(record, seams_.destination);
  if (verdict.blame == Blame::sink) {
    TRY(records_.store(record));
    return rest_sink(failure, true, probe_wait(random_()));
  }
  if (verdict.blame == Blame::dead) {
    TRY(finish(record, DumpState::dead, record.last_error->text));
    return Step::go_on;
  }
  ++record.failures;
  record.next = {now(), backoff_wait(options_.backoff, record.failures, failure.retry_after, random_())};
  TRY(records_.store(record));
  const bool is_asked_to_wait = failure.retry_after && *failure.retry_after > options_.retry.patience;
  if (verdict.blame != Blame::rest || (!is_asked_to_wait && budget_.tokens() >= RetryBudget::kPerRetry)) {
    return Step::go_on;
  }
  return rest_sink(failure, false,
                   backoff_wait(options_.backoff, state_.sink_failures + 1, failure.retry_after, random_()));
}

Outcome<QueueRun::Step> QueueRun::rest_sink(const SendFailure& failure, bool is_parked, seconds wait) {
  ++state_.sink_failures;
  state_.sink_is_parked = is_parked;
  state_.sink_error = recorded_error(failure);
  state_.next = {now(), wait};
  TRY(store_state());
  return end(is_parked ? QueueEnd::sink_parked : QueueEnd::sink_rests,
             fmt::format("{}; tried again in {} s", failure.failure.message, wait.count()));
}

}  // namespace warmdump
