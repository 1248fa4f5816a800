#include "recover/outcome/outcome_judge.h"

#include <fmt/format.h>

#include "common/dump_format/dump_header.h"
#include "common/dump_format/dump_seal.h"
#include "common/dump_format/dump_state.h"
#include "recover/report/dump_summary.h"

namespace warmdump {
namespace {

BootOutcome::Trouble trouble(const Failure& failure) {
  return {error_code_name(failure.code), failure.message};
}

BootOutcome::Previous previous_of(const OutcomeFacts& facts) {
  BootOutcome::Previous previous;
  previous.ended = "unknown";
  previous.boots_without_line = facts.record.boots_without_line;
  previous.armed = facts.was_armed;
  if (!facts.record.previous) return previous;
  previous.boot_id = facts.record.previous->boot_id;
  previous.ended = facts.record.previous->in_order ? "in_order" : "unclean";
  previous.lasted_s = facts.record.previous->lasted_s;
  return previous;
}

BootOutcome::Region region_of(const Recovery& recovery) {
  BootOutcome::Region region{recovery.region, recovery.start, recovery.size};
  region.was_system_ram = !recovery.dump;
  region.wiped = recovery.dump && recovery.dump->wiped;
  region.returned = recovery.returned.has_value();
  return region;
}

BootOutcome::Capture capture_of(const dump_format::RegionHeader& header) {
  const RegionSummary summary = summarize_region(header);
  const std::uint32_t code = header.error_code;
  const std::string error = code == 0 ? "" : error_code_name(static_cast<ErrorCode>(code));
  return {summary.state, summary.phase, error, summary.system_errno, summary.error_text};
}

void take_timings(const Recovery& recovery, BootOutcome& outcome) {
  if (recovery.dump) {
    outcome.timings_ms["extract"] = recovery.dump->extract_ms;
    outcome.timings_ms["wipe"] = recovery.dump->wipe_ms;
  }
  if (recovery.returned) outcome.timings_ms["return"] = recovery.returned->elapsed_ms;
}

void take_dump(const OutcomeFacts& facts, const RegionRecovery& recovered, BootOutcome& outcome) {
  BootOutcome::Dump& dump = outcome.dump.emplace();
  dump.directory = recovered.directory;
  dump.sent_to = recovered.sent_to;
  if (facts.dump) {
    dump.id = facts.dump->id;
    dump.bytes = facts.dump->bytes;
    dump.signature = facts.dump->signature;
  }
  if (recovered.dump) {
    dump.bytes = recovered.dump->bytes_written;
    dump.complete = recovered.dump->complete;
    dump.completeness = recovered.dump->completeness;
    dump.authenticity = recovered.dump->authenticity;
  }
  BootOutcome::Crash& crash = outcome.crash.emplace();
  if (recovered.header) {
    crash.boot_id = dump_format::sealed_boot_id(*recovered.header);
    crash.time_s = recovered.header->crash_time_s;
  }
  if (facts.dump) {
    if (crash.boot_id.empty()) crash.boot_id = facts.dump->boot_id;
    crash.panic = facts.dump->panic_text;
  }
  if (!crash.panic.empty()) crash.panic_from = "dump";
  crash.uptime_s = facts.dump_uptime_s;
}

// What pstore and the reset reason add to a crash, or are all that is known of it.
void take_evidence(const OutcomeFacts& facts, BootOutcome& outcome) {
  const auto& panic = facts.evidence.panic;
  const auto& reset = facts.evidence.reset;
  const bool is_told = panic || (reset && outcome.previous.ended != "in_order");
  if (!outcome.crash && !is_told) return;
  if (!outcome.crash) outcome.crash.emplace();
  BootOutcome::Crash& crash = *outcome.crash;
  if (crash.boot_id.empty() && outcome.outcome != OutcomeKind::crash_and_dump) {
    crash.boot_id = outcome.previous.boot_id;
  }
  if (panic && crash.panic.empty()) {
    crash.panic = panic->text;
    crash.panic_from = "pstore";
  }
  if (panic && !crash.uptime_s) crash.uptime_s = panic->uptime_s;
  if (reset) {
    crash.reset_reason = reset->text;
    crash.reset_from = reset->file;
  }
}

std::string why_no_capture(const OutcomeFacts& facts, const Recovery* recovery) {
  if (recovery == nullptr) return "there is no region";
  if (!recovery->dump) return "the region was system RAM before it could be looked at";
  if (!facts.was_armed) return "nothing of it is in the region";
  if (!*facts.was_armed) return "the boot was not armed";
  return "the boot was armed, but the region has no trace of a capture: the crash kernel did not start, or "
         "memory did not survive the reset";
}

// Of a boot that has left nothing in the region.
void judge_without_capture(const OutcomeFacts& facts, const Recovery* recovery, BootOutcome& outcome) {
  if (facts.evidence.panic) {
    outcome.outcome = OutcomeKind::crash_without_dump;
    outcome.reason = "it panicked, by pstore; " + why_no_capture(facts, recovery);
  } else if (outcome.previous.ended == "in_order") {
    outcome.outcome = OutcomeKind::no_crash;
  } else if (facts.evidence.reset && facts.evidence.reset->is_watchdog()) {
    outcome.outcome = OutcomeKind::crash_without_dump;
    outcome.reason = "it hung, and the watchdog reset it; " + why_no_capture(facts, recovery);
  } else if (facts.evidence.reset) {
    outcome.outcome = OutcomeKind::unclean_shutdown;
    outcome.reason = facts.evidence.reset->text;
  } else if (outcome.previous.ended == "unclean") {
    outcome.outcome = OutcomeKind::unclean_shutdown;
    outcome.reason = "it did not shut down in order; nothing says why";
  } else {
    outcome.outcome = OutcomeKind::unknown;
    outcome.reason = "there is no record of a boot before this one";
  }
}

void judge_region(const OutcomeFacts& facts, const Recovery& recovery, BootOutcome& outcome) {
  if (!recovery.dump) return judge_without_capture(facts, &recovery, outcome);
  const RegionRecovery& recovered = *recovery.dump;
  if (recovered.header) outcome.capture = capture_of(*recovered.header);
  switch (recovered.outcome) {
    case DumpOutcome::none:
      return judge_without_capture(facts, &recovery, outcome);
    case DumpOutcome::extracted:
    case DumpOutcome::already_saved:
      outcome.outcome = OutcomeKind::crash_and_dump;
      return take_dump(facts, recovered, outcome);
    case DumpOutcome::refused:
      outcome.outcome = OutcomeKind::refused;
      outcome.reason = fmt::format("what lay in the region was refused: {}", refusal_text(recovered.refusal));
      return;
    case DumpOutcome::kept_apart:
      outcome.outcome = OutcomeKind::refused;
      outcome.reason = "nothing proves that the crash kernel made the dump; it is kept apart, as asked for";
      return take_dump(facts, recovered, outcome);
    case DumpOutcome::left_alone:
      outcome.outcome = OutcomeKind::not_recovered;
      outcome.reason = "nothing proves that the crash kernel made the dump; it waits on the region";
      return;
    case DumpOutcome::nothing_stored:
      outcome.outcome = OutcomeKind::crash_without_dump;
      outcome.crash.emplace();
      if (recovered.header) {
        outcome.crash->boot_id = dump_format::sealed_boot_id(*recovered.header);
        outcome.crash->time_s = recovered.header->crash_time_s;
      }
      outcome.reason = !outcome.capture || outcome.capture->error_text.empty()
                           ? fmt::format("the capture died before it stored anything (phase: {})",
                                         outcome.capture ? outcome.capture->phase : "unknown")
                           : outcome.capture->error_text;
      return;
  }
}

}  // namespace

BootOutcome judge_boot(const OutcomeFacts& facts) {
  BootOutcome outcome;
  outcome.time = facts.time;
  outcome.boot_id = facts.record.boot.boot_id;
  outcome.previous = previous_of(facts);
  if (*facts.recovery) {
    const Recovery& recovery = **facts.recovery;
    outcome.region = region_of(recovery);
    take_timings(recovery, outcome);
    if (recovery.return_failure) outcome.return_failure = trouble(*recovery.return_failure);
    judge_region(facts, recovery, outcome);
  } else {
    const Failure& failure = facts.recovery->error();
    outcome.failure = trouble(failure);
    outcome.outcome = OutcomeKind::not_recovered;
    outcome.reason = failure.message;
    // No dump can wait: what else is known says it all.
    if (facts.has_no_region) judge_without_capture(facts, nullptr, outcome);
  }
  take_evidence(facts, outcome);
  return outcome;
}

bool tells_more(const BootOutcome& later, const BootOutcome& earlier) {
  if (later.outcome > earlier.outcome) return true;
  return later.region && later.region->returned && !(earlier.region && earlier.region->returned);
}

BootOutcome merged(const BootOutcome& later, const BootOutcome& earlier) {
  BootOutcome both = later.outcome > earlier.outcome ? later : earlier;
  both.time = later.time;
  both.tries = earlier.tries + 1;
  if (later.region) {
    if (!both.region) both.region = later.region;
    both.region->returned = later.region->returned;
    both.return_failure = later.return_failure;
    both.timings_ms.insert(later.timings_ms.begin(), later.timings_ms.end());
  }
  return both;
}

}  // namespace warmdump
