#include "cli/recover_report.h"

#include <fmt/format.h>
#include <sys/resource.h>

#include <cstdio>

#include "cli/dump_report.h"
#include "cli/progress.h"
#include "common/dump_format/dump_state.h"

namespace warmdump {
namespace {

const char* outcome_name(DumpOutcome outcome) {
  switch (outcome) {
    case DumpOutcome::none:
      return "none";
    case DumpOutcome::extracted:
      return "extracted";
    case DumpOutcome::already_saved:
      return "already-saved";
    case DumpOutcome::nothing_stored:
      return "nothing-stored";
    case DumpOutcome::refused:
      return "refused";
    case DumpOutcome::kept_apart:
      return "kept-apart";
    case DumpOutcome::left_alone:
      return "left-alone";
  }
  return "unknown";
}

const char* phase_of(const dump_format::RegionHeader& header) {
  return dump_format::phase_name(static_cast<dump_format::Phase>(std::uint32_t{header.phase}));
}

std::string why_nothing_was_stored(const RegionRecovery& recovery) {
  if (!recovery.header) return "the capture died before it stored anything";
  const RegionSummary region = summarize_region(*recovery.header);
  if (!region.error_text.empty()) {
    return fmt::format("the system crashed, but nothing could be captured: {} ({})",
                       harmless(region.error_text), region.error);
  }
  return fmt::format("the capture died (phase: {}) before it stored anything", region.phase);
}

std::uint64_t milliseconds(const timeval& time) {
  return static_cast<std::uint64_t>(time.tv_sec) * 1000 + static_cast<std::uint64_t>(time.tv_usec) / 1000;
}

std::string seconds(std::uint64_t milliseconds) {
  return fmt::format("{:.1f} s", static_cast<double>(milliseconds) / 1000);
}

void print_dump(const RegionRecovery& recovery) {
  switch (recovery.outcome) {
    case DumpOutcome::none:
      print_recovery_line("dump", recovery.formatted ? "none; the region is new and was prepared" : "none");
      return;
    case DumpOutcome::nothing_stored:
      print_recovery_line("dump", "none: " + why_nothing_was_stored(recovery));
      break;
    case DumpOutcome::refused:
      print_recovery_line("dump", fmt::format("REFUSED and not read: {}", refusal_text(recovery.refusal)));
      break;
    case DumpOutcome::left_alone:
      print_recovery_line("dump",
                          "NOT TAKEN: no record of the boot that crashed, so nothing proves whose it is");
      print_recovery_line("", "it stays on the region, which is not given back; either");
      print_recovery_line("", "  warmdump recover --unauthenticated=keep   saves it apart from other dumps");
      print_recovery_line("", "  warmdump recover --unauthenticated=wipe   destroys it");
      break;
    case DumpOutcome::already_saved:
      print_recovery_line("dump", "saved by an earlier, interrupted run");
      break;
    case DumpOutcome::kept_apart:
      print_recovery_line("apart", "nothing proves that the crash kernel made this dump");
      [[fallthrough]];
    case DumpOutcome::extracted:
      print_recovery_line("dump", recovery.dump->completeness);
      print_recovery_line("seal", recovery.dump->authenticity);
      if (!recovery.dump->key_id.empty())
        print_recovery_line("encrypted", "for fleet key " + recovery.dump->key_id);
      if (!recovery.dump->crash_text.empty()) print_recovery_line("crash", recovery.dump->crash_text);
      if (!recovery.dump->signature.empty()) {
        print_recovery_line("signature",
                            recovery.dump->signature + " " + harmless(recovery.dump->signature_text));
      }
      break;
  }
  if (!recovery.sent_to.empty()) {
    print_recovery_line("sent to", recovery.sent_to);
  } else if (!recovery.directory.empty()) {
    const std::string size =
        recovery.dump
            ? fmt::format(" ({}, {})", bytes_text(recovery.dump->bytes_written), seconds(recovery.extract_ms))
            : "";
    print_recovery_line("saved", recovery.directory.string() + size);
  }
  if (recovery.wiped) print_recovery_line("wiped", "and verified in " + seconds(recovery.wipe_ms));
}

nlohmann::json dump_as_json(const RegionRecovery& recovery) {
  nlohmann::json json{{"outcome", outcome_name(recovery.outcome)},
                      {"formatted", recovery.formatted},
                      {"wiped", recovery.wiped}};
  if (recovery.refusal != Refusal::none) json["refusal"] = refusal_name(recovery.refusal);
  if (!recovery.directory.empty()) json["directory"] = recovery.directory.string();
  if (!recovery.sent_to.empty()) json["sent_to"] = recovery.sent_to;
  if (recovery.dump) {
    json["complete"] = recovery.dump->complete;
    json["completeness"] = recovery.dump->completeness;
    json["authenticity"] = recovery.dump->authenticity;
    if (!recovery.dump->key_id.empty()) json["key_id"] = recovery.dump->key_id;
    json["crash"] = recovery.dump->crash_text;
    json["signature"] = recovery.dump->signature;
    json["signature_text"] = recovery.dump->signature_text;
    json["bytes_written"] = recovery.dump->bytes_written;
  }
  if (recovery.header) {
    const dump_format::RegionHeader& header = *recovery.header;
    json["capture"] = {
        {"state", dump_format::state_name(static_cast<dump_format::State>(std::uint32_t{header.state}))},
        {"phase", phase_of(header)},
        {"error", std::uint32_t{header.error_code} == 0
                      ? ""
                      : error_code_name(static_cast<ErrorCode>(std::uint32_t{header.error_code}))},
        {"errno", std::uint32_t{header.system_errno}},
        {"error_text", summarize_region(header).error_text},
        {"frames_damaged", std::uint64_t{header.frames_damaged}},
        {"frames_rewritten", std::uint64_t{header.frames_rewritten}},
        {"frames_unrepaired", std::uint64_t{header.frames_unrepaired}},
        {"pages_lost", std::uint64_t{header.pages_lost}},
        {"captures_refused", std::uint32_t{header.captures_refused}},
    };
  }
  return json;
}

}  // namespace

void print_recovery_line(const char* label, const std::string& text) {
  std::fputs(fmt::format("{:<10} {}\n", label, text).c_str(), stdout);
}

void print_region(const std::string& name, PhysicalAddress start, ByteCount size) {
  const std::string place = start == 0 ? "" : fmt::format(" at {:#x}", start);
  print_recovery_line("region", name + ", " + bytes_text(size) + place);
}

void print_returned(const RegionReturn& returned) {
  const std::string blocks = fmt::format("{} in {} memory blocks, all online and Movable",
                                         bytes_text(returned.bytes), returned.blocks.count);
  print_recovery_line(
      "returned", returned.was_returned ? "before: " + blocks : blocks + ", " + seconds(returned.elapsed_ms));
  if (returned.was_returned) return;
  print_recovery_line("MemTotal",
                      fmt::format("{} MiB before, {} MiB now", returned.memory_total_before / kMiB,
                                  returned.memory_total_after / kMiB));
}

void print_recovery(const Recovery& recovery) {
  print_region(recovery.region, recovery.start, recovery.size);
  if (recovery.dump) print_dump(*recovery.dump);
  if (recovery.returned) print_returned(*recovery.returned);
}

nlohmann::json recover_failure_as_json(const Failure& failure) {
  return {{"code", error_code_name(failure.code)}, {"message", failure.message}};
}

nlohmann::json returned_as_json(const RegionReturn& returned) {
  return {{"already", returned.was_returned},
          {"bytes", returned.bytes},
          {"memory_blocks", returned.blocks.count},
          {"memory_block_size", returned.blocks.block_size},
          {"memory_total_before", returned.memory_total_before},
          {"memory_total_after", returned.memory_total_after}};
}

nlohmann::json return_times_as_json(const RegionReturn& returned) {
  return {{"return", returned.elapsed_ms},
          {"return_devdax", returned.devdax_ms},
          {"return_kmem", returned.kmem_ms},
          {"return_online", returned.online_ms}};
}

nlohmann::json recovery_as_json(const Recovery& recovery, std::uint64_t total_ms) {
  nlohmann::json json{
      {"region", {{"name", recovery.region}, {"start", recovery.start}, {"size", recovery.size}}}};
  nlohmann::json times{{"total", total_ms}, {"find", recovery.find_ms}, {"open", recovery.open_ms}};
  if (recovery.dump) {
    json["dump"] = dump_as_json(*recovery.dump);
    times["extract"] = recovery.dump->extract_ms;
    times["flush"] = recovery.dump->flush_ms;
    times["wipe"] = recovery.dump->wipe_ms;
    times["wipe_write"] = recovery.dump->wipe.write_ms;
    times["wipe_flush"] = recovery.dump->wipe.flush_ms;
    times["wipe_verify"] = recovery.dump->wipe.verify_ms;
  }
  if (recovery.returned) {
    json["returned"] = returned_as_json(*recovery.returned);
    times.update(return_times_as_json(*recovery.returned));
  }
  times["looking"] = recovery.region_times.looking_us / 1000;
  times["modules"] = recovery.region_times.modules_us / 1000;
  times["kernel"] = recovery.region_times.kernel_us / 1000;
  rusage used{};
  ::getrusage(RUSAGE_SELF, &used);
  times["cpu_user"] = milliseconds(used.ru_utime);
  times["cpu_system"] = milliseconds(used.ru_stime);
  json["timings_ms"] = std::move(times);
  if (recovery.return_failure) json["error"] = recover_failure_as_json(*recovery.return_failure);
  return json;
}

}  // namespace warmdump
