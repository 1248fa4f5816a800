// `warmdump recover`: the steps as they happen on standard error, what came of them on standard output.

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <array>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "cli/command.h"
#include "cli/dump_report.h"
#include "cli/progress.h"
#include "cli/selftest_report.h"
#include "common/dump_format/dump_state.h"
#include "common/hosted/file_lock.h"
#include "common/stopwatch.h"
#include "recover/dump_reader_extractor.h"
#include "recover/measured_run.h"
#include "recover/pmem_regions_ndctl.h"
#include "recover/recover_machine.h"
#include "selftest/crash/crash_test.h"
#include "selftest/retention/retention_test.h"
#include "selftest/warm_reset.h"

namespace warmdump {
namespace {

class PrintedEvents final : public RecoverEvents {
 public:
  void step(const std::string& text) override {
    close_stage();
    progress_.note(text);
  }
  void progress(const char* what, ByteCount done, ByteCount total) override {
    if (stage_ != what) {
      close_stage();
      stage_ = what;
      progress_.begin(what, total);
    }
    progress_.update(done);
    if (done == total) close_stage();
  }

 private:
  void close_stage() {
    if (!stage_.empty()) progress_.finish();
    stage_.clear();
  }

  Progress progress_;
  std::string stage_;
};

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

std::string host_name() {
  std::array<char, 256> name{};
  return ::gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "";
}

std::string seconds(std::uint64_t milliseconds) {
  return fmt::format("{:.1f} s", static_cast<double>(milliseconds) / 1000);
}

void print_line(const char* label, const std::string& text) {
  std::fputs(fmt::format("{:<10} {}\n", label, text).c_str(), stdout);
}

void print_dump(const RegionRecovery& recovery) {
  switch (recovery.outcome) {
    case DumpOutcome::none:
      print_line("dump", recovery.formatted ? "none; the region is new and was prepared" : "none");
      return;
    case DumpOutcome::nothing_stored:
      print_line("dump", "none: " + why_nothing_was_stored(recovery));
      break;
    case DumpOutcome::refused:
      print_line("dump", "REFUSED: what lay on the region was not made by the crash kernel; it was not read");
      break;
    case DumpOutcome::already_saved:
      print_line("dump", "saved by an earlier, interrupted run");
      break;
    case DumpOutcome::extracted:
      print_line("dump", recovery.dump->completeness);
      print_line("seal", recovery.dump->authenticity);
      if (!recovery.dump->crash_text.empty()) print_line("crash", recovery.dump->crash_text);
      break;
  }
  if (!recovery.directory.empty()) {
    const std::string size =
        recovery.dump
            ? fmt::format(" ({}, {})", bytes_text(recovery.dump->bytes_written), seconds(recovery.extract_ms))
            : "";
    print_line("saved", recovery.directory.string() + size);
  }
  if (recovery.wiped) print_line("wiped", "and verified in " + seconds(recovery.wipe_ms));
}

void print_text(const Recovery& recovery) {
  const std::string place = recovery.start == 0 ? "" : fmt::format(" at {:#x}", recovery.start);
  print_line("region", recovery.region + ", " + bytes_text(recovery.size) + place);
  if (recovery.dump) print_dump(*recovery.dump);
  if (!recovery.returned) return;
  const RegionReturn& returned = *recovery.returned;
  const std::string blocks = fmt::format("{} in {} memory blocks, all online and Movable",
                                         bytes_text(returned.bytes), returned.blocks.count);
  print_line("returned",
             returned.was_returned ? "before: " + blocks : blocks + ", " + seconds(returned.elapsed_ms));
  if (!returned.was_returned) {
    print_line("MemTotal", fmt::format("{} MiB before, {} MiB now", returned.memory_total_before / kMiB,
                                       returned.memory_total_after / kMiB));
  }
}

nlohmann::json dump_as_json(const RegionRecovery& recovery) {
  nlohmann::json json{{"outcome", outcome_name(recovery.outcome)},
                      {"formatted", recovery.formatted},
                      {"wiped", recovery.wiped}};
  if (!recovery.directory.empty()) json["directory"] = recovery.directory.string();
  if (recovery.dump) {
    json["complete"] = recovery.dump->complete;
    json["completeness"] = recovery.dump->completeness;
    json["authenticity"] = recovery.dump->authenticity;
    json["crash"] = recovery.dump->crash_text;
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

nlohmann::json failure_as_json(const Failure& failure) {
  return {{"code", error_code_name(failure.code)}, {"message", failure.message}};
}

nlohmann::json as_json(const Recovery& recovery, std::uint64_t total_ms) {
  nlohmann::json json{
      {"region", {{"name", recovery.region}, {"start", recovery.start}, {"size", recovery.size}}},
      {"timings_ms", {{"total", total_ms}}}};
  if (recovery.dump) {
    json["dump"] = dump_as_json(*recovery.dump);
    json["timings_ms"]["extract"] = recovery.dump->extract_ms;
    json["timings_ms"]["wipe"] = recovery.dump->wipe_ms;
  }
  if (recovery.returned) {
    const RegionReturn& returned = *recovery.returned;
    json["returned"] = {{"already", returned.was_returned},
                        {"bytes", returned.bytes},
                        {"memory_blocks", returned.blocks.count},
                        {"memory_block_size", returned.blocks.block_size},
                        {"memory_total_before", returned.memory_total_before},
                        {"memory_total_after", returned.memory_total_after}};
    json["timings_ms"]["return"] = returned.elapsed_ms;
  }
  if (recovery.return_failure) json["error"] = failure_as_json(*recovery.return_failure);
  return json;
}

void print_json(const nlohmann::json& json) {
  std::puts(json.dump(2, ' ', false, nlohmann::json::error_handler_t::replace).c_str());
}

Outcome<RecoveryWithTest> recover_locked(const RecoverRequest& request) {
  std::optional<FileLock> lock;
  if (!is_plain_file_or_disk(request.region) && ::geteuid() == 0)
    lock.emplace(TRY(FileLock::take(kRegionLockPath)));
  PmemRegionsNdctl regions;
  DumpReaderExtractor extractor(recorded_secrets());
  PrintedEvents events;
  return recover_with_retention_test(request, regions, extractor, MachineFiles(), StateDirectory(), events);
}

// A retention test that was asked to go on by itself.
ExitCode restart_for_test() {
  prefer_warm_reset();
  const auto noted = note_reset(MachineFiles(), StateDirectory());
  if (!noted) return report_failure(noted.error());
  const auto restarted = restart_machine();
  return restarted ? kExitOk : report_failure(restarted.error());
}

bool is_incomplete(const Recovery& recovery) {
  if (!recovery.dump) return false;
  return recovery.dump->outcome == DumpOutcome::nothing_stored ||
         recovery.dump->outcome == DumpOutcome::refused ||
         (recovery.dump->dump && !recovery.dump->dump->complete);
}

// The dump is safe without it: a failure is told, and costs nothing else.
void keep_measurement(const RecoverRequest& request, const Recovery& recovery) {
  const bool is_crash_of_this_machine = !is_plain_file_or_disk(request.region);
  if (!is_crash_of_this_machine || !recovery.dump || recovery.dump->outcome != DumpOutcome::extracted) return;
  const auto kept = record_measured_run(recovery.dump->directory, kMeasuredMemoryPath);
  if (!kept.has_value()) {
    std::fputs(fmt::format("warmdump: warning: what the crash kernel used is not kept for `warmdump arm "
                           "--trim`: {}\n",
                           kept.error().message)
                   .c_str(),
               stderr);
  }
}

ExitCode run_recover(const RecoverRequest& request, bool json) {
  ::umask(S_IRWXG | S_IRWXO);  // a dump holds the secrets of the whole machine
  const Stopwatch stopwatch;
  const auto done = recover_locked(request);
  if (!done) {
    if (json) print_json({{"error", failure_as_json(done.error())}});
    return report_failure(done.error());
  }
  const Recovery& recovery = done->recovery;
  const auto crash_test = judge_crash_test(recovery, MachineFiles(), StateDirectory());
  keep_measurement(request, recovery);
  if (json) {
    nlohmann::json report = as_json(recovery, stopwatch.elapsed_ms());
    if (done->retention) report["retention"] = retention_step_as_json(*done->retention);
    if (crash_test && *crash_test) report["crash_test"] = nlohmann::json(as_json(**crash_test));
    print_json(report);
  } else {
    print_text(recovery);
    if (done->retention) print_retention_step(*done->retention);
    if (crash_test && *crash_test) print_line("crash test", crash_text(as_json(**crash_test)));
  }
  if (!crash_test)
    std::fputs(fmt::format("warmdump: crash test: {}\n", crash_test.error().message).c_str(), stderr);
  if (recovery.return_failure) return report_failure(*recovery.return_failure);
  if (done->retention && done->retention->wants_reset()) return restart_for_test();
  return is_incomplete(recovery) ? kExitIncomplete : kExitOk;
}

}  // namespace

void register_recover_command(CLI::App& app, ExitCode& exit_code) {
  struct Options {
    RecoverRequest request{.region = "", .spool = "/var/crash", .host = host_name()};
    std::string spool = "/var/crash";
    bool no_return = false;
    bool json = false;
  };
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand(
      "recover", "Save the dump of the last crash, wipe the region, give its memory back to the system.");
  command
      ->add_option("--region", options->request.region,
                   "regionN or /dev/pmemN when there are several; or a file with a dump")
      ->type_name("DEVICE|FILE");
  command->add_option("--spool", options->spool, "Where dumps are kept")
      ->type_name("DIR")
      ->capture_default_str();
  command->add_flag("--no-return", options->no_return, "Leave the region as a disk");
  command->add_flag("--json", options->json, "Print the outcome as one JSON object");
  command->callback([options, &exit_code] {
    options->request.spool = options->spool;
    options->request.return_to_system = !options->no_return;
    exit_code = run_recover(options->request, options->json);
  });
}

}  // namespace warmdump
