#include "recover/recover_region.h"

#include <fmt/format.h>

#include <cstring>

#include "common/dump_format/dump_header.h"
#include "common/dump_format/dump_state.h"
#include "common/stopwatch.h"
#include "recover/region/region_header.h"
#include "recover/region/wipe.h"
#include "recover/save_dump.h"

namespace warmdump {
namespace {

using dump_format::RegionHeader, dump_format::State;

// One run over one region; the functions below are the arrows of the picture in the header file.
class Recovery {
 public:
  Recovery(Device& region, PhysicalAddress region_start, const Spool& spool, DumpExtractor& extractor,
           RecoverEvents& events, const TrustRules& trust, const SaveHelpers& helpers)
      : region_(region),
        region_start_(region_start),
        spool_(spool),
        extractor_(extractor),
        events_(events),
        trust_(trust),
        helpers_(helpers) {}

  Outcome<RegionRecovery> run();

 private:
  Outcome<void> dump_found(RegionHeader& header);
  Outcome<void> without_header(const Error& error);
  Outcome<void> beside_header(RegionHeader& header);
  Outcome<void> finish_interrupted(RegionHeader& header);
  Outcome<void> format();
  Outcome<void> adapt(RegionHeader& header);
  Outcome<void> judge_and_clear(RegionHeader& header, const DumpIdentity& identity);
  Outcome<void> take(const DumpIdentity& identity);
  Outcome<void> forward();
  Outcome<void> keep_apart(const DumpIdentity& identity);
  void leave();
  Outcome<void> refuse(RegionHeader& header, Refusal refusal, const std::string& detail = "");
  Outcome<void> save(const DumpIdentity& identity, const Spool& spool, DumpOutcome outcome);
  Outcome<void> clear(RegionHeader& header);

  Device& region_;
  const PhysicalAddress region_start_;
  const Spool& spool_;
  DumpExtractor& extractor_;
  RecoverEvents& events_;
  const TrustRules& trust_;
  const SaveHelpers helpers_;
  RegionRecovery report_;
};

Outcome<RegionRecovery> Recovery::run() {
  auto found = read_region_header(region_);
  if (!found) {
    TRY(without_header(found.error()));
    return std::move(report_);
  }
  RegionHeader& header = *found;
  const State state = state_of(header);
  if (!is_known_state(state)) {
    return Failure(
        ErrorCode::unsupported,
        fmt::format("the region header has state {}, which this version of warmdump does not know; the "
                    "region is left as it is",
                    static_cast<std::uint32_t>(state)));
  }
  if (dump_format::holds_dump(state)) {
    TRY(dump_found(header));
  } else if (state == State::recovered) {
    TRY(finish_interrupted(header));
  } else if (TRY(has_frame_at_start(region_))) {
    TRY(beside_header(header));
  } else {
    events_.step("no dump on the region");
  }
  if (report_.outcome != DumpOutcome::left_alone) TRY(adapt(header));
  return std::move(report_);
}

Outcome<void> Recovery::dump_found(RegionHeader& header) {
  report_.header = header;
  events_.step(fmt::format(
      "dump found, {} (capture phase: {})", dump_format::state_name(state_of(header)),
      dump_format::phase_name(static_cast<dump_format::Phase>(static_cast<std::uint32_t>(header.phase)))));
  auto identified = extractor_.identify(region_);
  if (!identified && identified.error().code == ErrorCode::refused) {
    return refuse(header, Refusal::forged, identified.error().message);
  }
  auto identity = TRY(in_context("cannot read the dump", std::move(identified)));
  if (!identity) {
    report_.outcome = DumpOutcome::nothing_stored;
    events_.step("the capture stored nothing that can be read");
    TRY(advance_region(region_, header, State::recovered));
    return clear(header);
  }
  identity->id = frame_dump_id(header);
  identity->crash_time_s = header.crash_time_s;
  return judge_and_clear(header, *identity);
}

Outcome<void> Recovery::finish_interrupted(RegionHeader& header) {
  const auto* const text = reinterpret_cast<const char*>(header.error_text);
  const std::string reason(text, ::strnlen(text, sizeof(header.error_text)));
  if (frame_dump_id(header) == FrameDumpId{}) report_.refusal = parse_refusal(reason);
  if (report_.refusal != Refusal::none) {
    report_.outcome = DumpOutcome::refused;
    events_.step(fmt::format("dump was refused by an interrupted run ({}): clearing the region", reason));
  } else {
    report_.outcome = DumpOutcome::already_saved;
    report_.header = header;
    auto saved = TRY(spool_.find(dump_id_text(frame_dump_id(header))));
    if (saved) report_.directory = *saved;
    spool_.forget_publication(dump_id_text(frame_dump_id(header)));
    events_.step("dump was saved by an interrupted run: clearing the region");
  }
  return clear(header);
}

Outcome<void> Recovery::without_header(const Error& error) {
  if (error.code == ErrorCode::unsupported) {
    return Failure(error).in(
        "the region is left as it is: recover it with the version of warmdump that wrote it");
  }
  if (error.code != ErrorCode::not_found && error.code != ErrorCode::corrupt) {
    return Failure(error).in("cannot read the region header");
  }
  std::optional<DumpIdentity> identity;
  if (error.code == ErrorCode::corrupt || TRY(has_frame_at_start(region_))) {
    identity = TRY(in_context("cannot look for frames", extractor_.identify(region_)));
  }
  if (!identity) {
    events_.step(error.code == ErrorCode::corrupt ? "region header damaged and no frame found: formatting"
                                                  : "region has no header: formatting");
    return format();
  }
  events_.step("region header damaged or missing, but frames found");
  RegionHeader header = dump_format::make_header(region_start_, region_.size());
  return judge_and_clear(header, *identity);
}

// A capture goes on when it cannot write its header; and any program can have left frames there.
Outcome<void> Recovery::beside_header(RegionHeader& header) {
  events_.step("frames found, although the header says that no capture began");
  const auto identity = TRY(in_context("cannot look for frames", extractor_.identify(region_)));
  if (!identity) return refuse(header, Refusal::planted);
  header = dump_format::make_header(region_start_, region_.size());
  return judge_and_clear(header, *identity);
}

Outcome<void> Recovery::format() {
  TRY(format_region(region_, region_start_));
  report_.formatted = true;
  return {};
}

// A capture refuses a region whose header names another place or size.
Outcome<void> Recovery::adapt(RegionHeader& header) {
  if (header.region_start == region_start_ && header.region_size == region_.size()) return {};
  events_.step("region was moved or resized since the last boot: adapting its header");
  header.region_start = region_start_;
  header.region_size = region_.size();
  header.frames_end = 0;
  return in_context("cannot adapt the region header", write_region_header(region_, header));
}

Outcome<void> Recovery::judge_and_clear(RegionHeader& header, const DumpIdentity& identity) {
  const auto evidence = TRY(gather_evidence(identity, dump_id_text(identity.id), spool_, trust_));
  const DumpVerdict verdict = judge_dump(evidence, trust_.unauthenticated);
  switch (verdict.action) {
    case DumpAction::refuse:
      return refuse(header, verdict.refusal);
    case DumpAction::leave:
      leave();
      return {};
    case DumpAction::keep_apart:
      TRY(keep_apart(identity));
      break;
    case DumpAction::take:
    case DumpAction::finish:
      TRY(take(identity));
      break;
  }
  if (!dump_format::holds_dump(state_of(header))) {
    header.state = static_cast<std::uint32_t>(State::writing);
    std::memcpy(header.dump_id, identity.id.data(), identity.id.size());
    header.crash_time_s = identity.crash_time_s;
  }
  TRY(advance_region(region_, header, State::recovered));
  spool_.forget_publication(dump_id_text(identity.id));
  return clear(header);
}

Outcome<void> Recovery::take(const DumpIdentity& identity) {
  auto saved = save(identity, spool_, DumpOutcome::extracted);
  if (saved && helpers_.forwarder != nullptr) saved = forward();
  if (saved) return note_taken(identity, dump_id_text(identity.id), trust_);
  note_waiting(identity, trust_);
  return saved;
}

Outcome<void> Recovery::forward() {
  auto forwarded = helpers_.forwarder->forward(region_, report_.directory);
  if (!forwarded) {
    forwarded.error().message += "; the dump stays on the region";
    return forwarded;
  }
  report_.sent_to = helpers_.forwarder->name();
  events_.step("dump has arrived at " + report_.sent_to);
  return {};
}

Outcome<void> Recovery::keep_apart(const DumpIdentity& identity) {
  events_.step("nothing proves that the crash kernel made this dump: keeping it apart, as asked for");
  const Spool apart = TRY(spool_.apart());
  return save(identity, apart, DumpOutcome::kept_apart);
}

void Recovery::leave() {
  report_.outcome = DumpOutcome::left_alone;
  events_.step(
      "NOT TAKEN: no record of the boot that crashed is left on this machine, so nothing proves whose dump "
      "this is. It stays on the region, which is not given back. `warmdump recover --unauthenticated=keep` "
      "saves it apart from others, --unauthenticated=wipe destroys it");
}

// Nothing of it may be kept: not even the header's counters and texts are to be believed.
Outcome<void> Recovery::refuse(RegionHeader& header, Refusal refusal, const std::string& detail) {
  report_.outcome = DumpOutcome::refused;
  report_.refusal = refusal;
  report_.header.reset();
  events_.step(fmt::format("REFUSED: {}{}{}", refusal_text(refusal), detail.empty() ? "" : ": ", detail));
  header = dump_format::make_header(region_start_, region_.size());
  header.state = static_cast<std::uint32_t>(State::recovered);
  header.error_code = static_cast<std::uint32_t>(ErrorCode::refused);
  std::strncpy(reinterpret_cast<char*>(header.error_text), refusal_name(refusal),
               sizeof(header.error_text) - 1);
  TRY(in_context("cannot mark the region recovered", write_region_header(region_, header)));
  return clear(header);
}

Outcome<void> Recovery::save(const DumpIdentity& identity, const Spool& spool, DumpOutcome outcome) {
  return DumpSaver(region_, extractor_, events_, helpers_, report_).save(identity, spool, outcome);
}

Outcome<void> Recovery::clear(RegionHeader& header) {
  const Stopwatch stopwatch;
  events_.step("wiping the region");
  report_.wipe = TRY(wipe_region(region_, [&](const char* what, ByteCount done, ByteCount total) {
    events_.progress(what, done, total);
  }));
  TRY(advance_region(region_, header, State::cleared));
  report_.wiped = true;
  report_.wipe_ms = stopwatch.elapsed_ms();
  events_.step("region wiped and verified");
  return {};
}

}  // namespace

Outcome<RegionRecovery> recover_region(Device& region, PhysicalAddress region_start, const Spool& spool,
                                       DumpExtractor& extractor, RecoverEvents& events,
                                       const TrustRules& trust, const SaveHelpers& helpers) {
  return Recovery(region, region_start, spool, extractor, events, trust, helpers).run();
}

}  // namespace warmdump
