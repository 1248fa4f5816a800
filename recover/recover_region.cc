#include "recover/recover_region.h"

#include <fmt/format.h>

#include <cstring>
#include <span>

#include "common/dump_format/dump_header.h"
#include "common/dump_format/dump_state.h"
#include "common/dump_format/frame.h"
#include "common/stopwatch.h"
#include "recover/dump/aligned_buffer.h"
#include "recover/region/wipe.h"

namespace warmdump {
namespace {

using dump_format::RegionHeader, dump_format::State;

State state_of(const RegionHeader& header) {
  return static_cast<State>(static_cast<std::uint32_t>(header.state));
}

FrameDumpId frame_dump_id(const RegionHeader& header) {
  FrameDumpId id;
  std::memcpy(id.data(), header.dump_id, id.size());
  return id;
}

bool is_known(State state) {
  return std::strcmp(dump_format::state_name(state), "unknown") != 0;
}

// Cheap look for a dump whose header is gone without a trace.
Outcome<bool> has_frame_at_start(const Device& region) {
  AlignedBuffer buffer(kDirectAlignment);
  TRY(in_context("cannot read the first frame", region.read_at(dump_format::kFramesOffset, buffer.bytes())));
  dump_format::FrameHeader header;
  std::memcpy(&header, buffer.bytes().data(), sizeof(header));
  const auto bytes = buffer.bytes().first<sizeof(header)>();
  return dump_format::decode_frame_header(bytes, std::span(header.dump_id)).has_value();
}

// One run over one region; the functions below are the arrows of the picture in the header file.
class Recovery {
 public:
  Recovery(Device& region, PhysicalAddress region_start, const Spool& spool, DumpExtractor& extractor,
           RecoverEvents& events)
      : region_(region), region_start_(region_start), spool_(spool), extractor_(extractor), events_(events) {}

  Outcome<RegionRecovery> run();

 private:
  Outcome<void> without_header(const Error& error);
  Outcome<void> format();
  Outcome<void> adapt(RegionHeader& header);
  Outcome<void> save_and_clear(RegionHeader& header, const std::optional<DumpIdentity>& identity);
  Outcome<void> refuse(RegionHeader& header, const Failure& why);
  Outcome<void> save(const DumpIdentity& identity);
  Outcome<void> clear(RegionHeader& header);
  Outcome<void> advance(RegionHeader& header, State next);

  Device& region_;
  const PhysicalAddress region_start_;
  const Spool& spool_;
  DumpExtractor& extractor_;
  RecoverEvents& events_;
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
  if (!is_known(state)) {
    return Failure(
        ErrorCode::unsupported,
        fmt::format("the region header has state {}, which this version of warmdump does not know; the "
                    "region is left as it is",
                    static_cast<std::uint32_t>(state)));
  }
  if (dump_format::holds_dump(state)) {
    report_.header = header;
    events_.step(fmt::format(
        "dump found, {} (capture phase: {})", dump_format::state_name(state),
        dump_format::phase_name(static_cast<dump_format::Phase>(static_cast<std::uint32_t>(header.phase)))));
    auto identity = extractor_.identify(region_);
    if (!identity && identity.error().code == ErrorCode::refused) {
      TRY(refuse(header, identity.error()));
    } else {
      auto found_identity = TRY(in_context("cannot read the dump", std::move(identity)));
      if (found_identity) {
        found_identity->id = frame_dump_id(header);
        found_identity->crash_time_s = header.crash_time_s;
      }
      TRY(save_and_clear(header, found_identity));
    }
  } else if (state == State::recovered) {
    report_.header = header;
    report_.outcome = DumpOutcome::already_saved;
    auto saved = TRY(spool_.find(dump_id_text(frame_dump_id(header))));
    if (saved) report_.directory = *saved;
    events_.step("dump was saved by an interrupted run: clearing the region");
    TRY(clear(header));
  } else {
    events_.step("no dump on the region");
  }
  TRY(adapt(header));
  return std::move(report_);
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
  events_.step("region header damaged or missing, but frames found: saving what can be read");
  RegionHeader header = dump_format::make_header(region_start_, region_.size());
  header.state = static_cast<std::uint32_t>(State::writing);
  std::memcpy(header.dump_id, identity->id.data(), identity->id.size());
  header.crash_time_s = identity->crash_time_s;
  return save_and_clear(header, identity);
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

Outcome<void> Recovery::save_and_clear(RegionHeader& header, const std::optional<DumpIdentity>& identity) {
  if (identity) {
    TRY(save(*identity));
  } else {
    report_.outcome = DumpOutcome::nothing_stored;
    events_.step("the capture stored nothing that can be read");
  }
  TRY(advance(header, State::recovered));
  return clear(header);
}

// Nothing of it may be kept: not even the header's counters and texts are to be believed.
Outcome<void> Recovery::refuse(RegionHeader& header, const Failure& why) {
  report_.outcome = DumpOutcome::refused;
  report_.header.reset();
  events_.step("REFUSED: " + why.message);
  header = dump_format::make_header(region_start_, region_.size());
  header.state = static_cast<std::uint32_t>(State::recovered);
  TRY(in_context("cannot mark the region recovered", write_region_header(region_, header)));
  return clear(header);
}

Outcome<void> Recovery::save(const DumpIdentity& identity) {
  const std::string id = dump_id_text(identity.id);
  auto saved = TRY(spool_.find(id));
  if (saved) {
    report_.outcome = DumpOutcome::already_saved;
    report_.directory = *saved;
    events_.step("dump was saved by an interrupted run: " + saved->string());
    return {};
  }

  const Stopwatch stopwatch;
  const std::filesystem::path incomplete = TRY(spool_.begin(id, identity.crash_time_s));
  events_.step("extracting into " + incomplete.string());
  auto extracted = extractor_.extract(region_, incomplete, [&](ByteCount done, ByteCount total) {
    events_.progress("extracting", done, total);
  });
  if (!extracted) {
    spool_.discard(incomplete);
    Failure failure = std::move(extracted.error());
    failure.message += "; the dump stays on the region";
    return std::move(failure).in("cannot extract the dump");
  }
  auto published = spool_.publish(incomplete);
  if (!published) {
    spool_.discard(incomplete);
    return std::move(published.error()).in("cannot keep the dump");
  }
  report_.outcome = DumpOutcome::extracted;
  report_.directory = *published;
  report_.dump = std::move(*extracted);
  report_.extract_ms = stopwatch.elapsed_ms();
  events_.step("dump saved: " + report_.directory.string());
  return {};
}

Outcome<void> Recovery::clear(RegionHeader& header) {
  const Stopwatch stopwatch;
  events_.step("wiping the region");
  TRY(wipe_region(region_, [&](const char* what, ByteCount done, ByteCount total) {
    events_.progress(what, done, total);
  }));
  TRY(advance(header, State::cleared));
  report_.wiped = true;
  report_.wipe_ms = stopwatch.elapsed_ms();
  events_.step("region wiped and verified");
  return {};
}

Outcome<void> Recovery::advance(RegionHeader& header, State next) {
  if (!dump_format::may_follow(state_of(header), next)) {
    return Failure(ErrorCode::invalid,
                   fmt::format("a region may not go from {} to {}", dump_format::state_name(state_of(header)),
                               dump_format::state_name(next)));
  }
  header.state = static_cast<std::uint32_t>(next);
  return in_context(fmt::format("cannot mark the region {}", dump_format::state_name(next)),
                    write_region_header(region_, header));
}

}  // namespace

Outcome<RegionRecovery> recover_region(Device& region, PhysicalAddress region_start, const Spool& spool,
                                       DumpExtractor& extractor, RecoverEvents& events) {
  return Recovery(region, region_start, spool, extractor, events).run();
}

std::string dump_id_text(const FrameDumpId& id) {
  std::string text;
  for (const std::byte byte : id) text += fmt::format("{:02x}", std::to_integer<unsigned>(byte));
  return text;
}

}  // namespace warmdump
