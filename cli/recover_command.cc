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
#include "cli/progress.h"
#include "cli/recover_report.h"
#include "cli/selftest_report.h"
#include "common/hosted/file_lock.h"
#include "common/hosted/settings.h"
#include "common/stopwatch.h"
#include "recover/dump_reader_extractor.h"
#include "recover/recover_machine.h"
#include "recover/region/pmem_regions_ndctl.h"
#include "recover/report/measured_run.h"
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

std::string host_name() {
  std::array<char, 256> name{};
  return ::gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "";
}

void print_json(const nlohmann::json& json) {
  std::puts(json.dump(2, ' ', false, nlohmann::json::error_handler_t::replace).c_str());
}

// As the command line says; what it does not say is in the settings.
struct RecoverOptions {
  RecoverRequest request{.region = "", .spool = "/var/crash", .host = host_name()};
  DumpDirectoryOptions directory;
  bool json = false;
};

// A mistake in the settings costs the settings, never the dump.
Settings::Recover recover_settings() {
  const auto settings = read_settings();
  if (settings.has_value()) return settings->recover;
  std::fputs(
      fmt::format("warmdump: warning: {}; going on without settings\n", settings.error().message).c_str(),
      stderr);
  return {};
}

Outcome<RecoveryWithTest> recover_locked(const RecoverOptions& options) {
  const RecoverRequest& request = options.request;
  std::optional<FileLock> lock;
  if (!is_plain_file_or_disk(request.region) && ::geteuid() == 0)
    lock.emplace(TRY(FileLock::take(kRegionLockPath)));
  PmemRegionsNdctl regions;
  DumpReaderExtractor extractor(recorded_secrets(), options.directory);
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

ExitCode run_recover(const RecoverOptions& options) {
  ::umask(S_IRWXG | S_IRWXO);  // a dump holds the secrets of the whole machine
  const Stopwatch stopwatch;
  const auto done = recover_locked(options);
  if (!done) {
    if (options.json) print_json({{"error", recover_failure_as_json(done.error())}});
    return report_failure(done.error());
  }
  const Recovery& recovery = done->recovery;
  const auto crash_test = judge_crash_test(recovery, MachineFiles(), StateDirectory());
  keep_measurement(options.request, recovery);
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
  struct Arguments {
    RecoverOptions options;
    std::string spool;
    bool no_return = false;
  };
  auto arguments = std::make_shared<Arguments>();
  CLI::App* command = app.add_subcommand(
      "recover", "Save the dump of the last crash, wipe the region, give its memory back to the system.");
  command
      ->add_option("--region", arguments->options.request.region,
                   "regionN or /dev/pmemN when there are several; or a file with a dump")
      ->type_name("DEVICE|FILE");
  command->add_option("--spool", arguments->spool, "Where dumps are kept; /var/crash unless set otherwise")
      ->type_name("DIR");
  command->add_flag("--no-return", arguments->no_return, "Leave the region as a disk");
  command->add_flag("--json", arguments->options.json, "Print the outcome as one JSON object");
  command->callback([arguments, &exit_code] {
    RecoverOptions& options = arguments->options;
    const Settings::Recover settings = recover_settings();
    if (settings.spool) options.request.spool = *settings.spool;
    if (!arguments->spool.empty()) options.request.spool = arguments->spool;
    options.request.return_to_system = !arguments->no_return;
    options.directory.format = settings.format.value_or("");
    options.directory.compression = settings.compression.value_or("");
    options.directory.layout = settings.layout.value_or("");
    options.directory.report = settings.report.value_or(true);
    options.directory.redact = settings.redact.value_or(false);
    exit_code = run_recover(options);
  });
}

}  // namespace warmdump
