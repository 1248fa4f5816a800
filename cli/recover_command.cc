// `warmdump recover`: the steps as they happen on standard error, what came of them on standard output.

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <cstdio>
#include <ctime>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "cli/command.h"
#include "cli/direct_upload.h"
#include "cli/progress.h"
#include "cli/recover_options.h"
#include "cli/recover_report.h"
#include "cli/selftest_report.h"
#include "common/hosted/file_lock.h"
#include "common/stopwatch.h"
#include "recover/dump_reader_extractor.h"
#include "recover/outcome/boot_report.h"
#include "recover/recover_machine.h"
#include "recover/region/pmem_regions_ndctl.h"
#include "recover/report/dump_directory.h"
#include "recover/report/layout.h"
#include "recover/report/measured_run.h"
#include "recover/sandbox/reader_secrets.h"
#include "recover/sandbox/sandboxed_extractor.h"
#include "recover/spool/crash_report_delivery.h"
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

// Reads no secret before there is a dump to send: the process that reads the dump, a copy of this one, is
// gone by then.
class DirectForwarder final : public DumpForwarder {
 public:
  DirectForwarder(const RecoverOptions& options, std::string name)
      : options_(options), name_(std::move(name)) {}

  std::string name() const override { return name_; }

  Outcome<void> forward(const Device& region, const std::filesystem::path& directory) override {
    const auto upload = TRY(make_direct_upload(options_.direct, options_.direct_options, options_.device,
                                               secrets_for_reader(region)));
    auto sent = upload->forward(region, directory);
    is_worth_another_try_ = upload->is_worth_another_try();
    return sent;
  }
  bool is_worth_another_try() const { return is_worth_another_try_; }

 private:
  const RecoverOptions& options_;
  const std::string name_;
  bool is_worth_another_try_ = false;
};

void print_json(const nlohmann::json& json) {
  std::puts(json.dump(2, ' ', false, nlohmann::json::error_handler_t::replace).c_str());
}

// Reports of earlier dumps too, that a run which was killed left. The dumps are safe without.
void hand_over_crash_reports(const RecoverOptions& options) {
  const DumpLayout* const layout = find_dump_layout(options.directory.layout);
  if (layout == nullptr || !layout->crash_report) return;
  const auto delivered = deliver_crash_reports(options.request.spool);
  if (delivered.has_value()) return;
  print_warning(delivered.error().message);
}

// Leaves the outcome of this boot, whatever becomes of the recovery.
Outcome<RecoveryWithTest> recover_and_record(const RecoverRequest& request, const RecoverOptions& options,
                                             PmemRegions& regions, DumpExtractor& extractor,
                                             RecoverEvents& events) {
  const Stopwatch stopwatch;
  BootReport report = BootReport::begin("", static_cast<std::uint64_t>(std::time(nullptr)));
  RecoverRequest kept_request = request;
  kept_request.kept_dump = report.kept_dump();
  auto done =
      recover_with_retention_test(kept_request, regions, extractor, MachineFiles(), StateDirectory(), events);
  const auto found = done ? Outcome<std::vector<PmemRegion>>(std::vector<PmemRegion>()) : regions.find();
  const bool has_no_region = !done && found && found->empty();
  report.finish(done ? Outcome<Recovery>(done->recovery) : Outcome<Recovery>(done.error()), has_no_region,
                stopwatch.elapsed_ms(), options.crash_loop);
  for (const std::string& warning : report.warnings()) print_warning(warning);
  if (const auto& loop = report.crash_loop(); loop && loop->stands) {
    events.step(
        fmt::format("CRASH LOOP, {}: no further crash is captured until a boot has lasted {} minutes, "
                    "or `warmdump arm --after-crash-loop`",
                    crash_loop_words(*loop), loop->window_s / 60));
  }
  return done;
}

Outcome<RecoveryWithTest> recover_locked(const RecoverOptions& options, DirectForwarder* direct) {
  RecoverRequest request = options.request;
  request.forwarder = direct;
  std::optional<FileLock> lock;
  const bool is_of_this_machine = !is_plain_file_or_disk(request.region);
  if (is_of_this_machine && ::geteuid() == 0) lock.emplace(TRY(FileLock::take(kRegionLockPath)));
  PmemRegionsNdctl regions;
  PrintedEvents events;
  DumpReaderExtractor reader({}, options.directory);
  SandboxOptions sandbox;
  sandbox.spool = request.spool;
  sandbox.user = options.user;
  sandbox.secrets = [](const Device& region) { return secrets_for_reader(region); };
  sandbox.warn = [&events](const std::string& text) { events.step("warning: " + text); };
  SandboxedExtractor extractor(reader, sandbox);
  // No test of this machine is about somebody's file.
  if (!is_of_this_machine)
    return RecoveryWithTest{TRY(recover_machine(request, regions, extractor, events)), std::nullopt};
  if (lock) return recover_and_record(request, options, regions, extractor, events);
  return recover_with_retention_test(request, regions, extractor, MachineFiles(), StateDirectory(), events);
}

Outcome<std::unique_ptr<DirectForwarder>> make_direct(const RecoverOptions& options) {
  if (options.direct.empty()) return std::unique_ptr<DirectForwarder>();
  // What is wrong with the address is told before anything is touched.
  const auto upload = TRY(make_direct_upload(options.direct, options.direct_options, options.device, {}));
  return std::make_unique<DirectForwarder>(options, upload->name());
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
         recovery.dump->outcome == DumpOutcome::kept_apart ||
         recovery.dump->outcome == DumpOutcome::left_alone ||
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

ExitCode run_recover(const RecoverOptions& options) {
  ::umask(S_IRWXG | S_IRWXO);  // a dump holds the secrets of the whole machine
  const Stopwatch stopwatch;
  const auto direct = make_direct(options);
  if (!direct) return report_failure(direct.error());
  const auto done = recover_locked(options, direct->get());
  if (!done) {
    if (options.json) print_json({{"error", recover_failure_as_json(done.error())}});
    const ExitCode exit_code = report_failure(done.error());
    return *direct && (*direct)->is_worth_another_try() ? kExitTemporary : exit_code;
  }
  const Recovery& recovery = done->recovery;
  const auto crash_test = is_plain_file_or_disk(options.request.region)
                              ? Outcome<std::optional<CrashResult>>(std::nullopt)
                              : judge_crash_test(recovery, MachineFiles(), StateDirectory());
  keep_measurement(options.request, recovery);
  hand_over_crash_reports(options);
  if (options.json) {
    nlohmann::json report = recovery_as_json(recovery, stopwatch.elapsed_ms());
    if (done->retention) report["retention"] = retention_step_as_json(*done->retention);
    if (crash_test && *crash_test) report["crash_test"] = nlohmann::json(as_json(**crash_test));
    print_json(report);
  } else {
    print_recovery(recovery);
    if (done->retention) print_retention_step(*done->retention);
    if (crash_test && *crash_test) print_recovery_line("crash test", crash_text(as_json(**crash_test)));
  }
  if (!crash_test)
    std::fputs(fmt::format("warmdump: crash test: {}\n", crash_test.error().message).c_str(), stderr);
  if (recovery.return_failure) return report_failure(*recovery.return_failure);
  if (done->retention && done->retention->wants_reset()) return restart_for_test();
  return is_incomplete(recovery) ? kExitIncomplete : kExitOk;
}

}  // namespace

void register_recover_command(CLI::App& app, ExitCode& exit_code) {
  auto arguments = std::make_shared<RecoverArguments>();
  CLI::App* command = app.add_subcommand(
      "recover", "Save the dump of the last crash, wipe the region, give its memory back to the system.");
  add_recover_arguments(*command, *arguments);
  command->callback([arguments, &exit_code] {
    const auto options = recover_options(*arguments);
    exit_code = options ? run_recover(*options) : report_failure(options.error());
  });
}

}  // namespace warmdump
