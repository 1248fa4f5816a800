// `warmdump selftest`: a line for each step as it ends, exit code by the outcome.

#include <fmt/format.h>
#include <sys/stat.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>

#include "cli/command.h"
#include "cli/selftest_kinds.h"
#include "selftest/offline/offline_test.h"

namespace warmdump {
namespace {

struct SelftestOptions {
  bool offline = false;
  OfflineTestRequest offline_request;
  bool retention = false;
  RetentionOptions retention_options;
  bool crash = false;
  CrashOptions crash_options;
  bool result = false;
  bool yes = false;
  bool json = false;
};

void print_json(const nlohmann::ordered_json& json) {
  std::printf("%s\n", json.dump(2, ' ', false, nlohmann::json::error_handler_t::replace).c_str());
}

void print_step(const TestStep& step) {
  std::fputs(fmt::format("{:<20} {:<6} {}\n", step.name, step.ok ? "OK" : "FAILED", step.text).c_str(),
             stdout);
  std::fflush(stdout);
}

nlohmann::ordered_json as_json(const OfflineTestReport& report) {
  nlohmann::ordered_json steps = nlohmann::ordered_json::array();
  for (const TestStep& step : report.steps) {
    steps.push_back({{"name", step.name}, {"ok", step.ok}, {"text", step.text}});
  }
  return {{"ok", report.ok()}, {"steps", std::move(steps)}, {"not_run", report.not_run}};
}

ExitCode run_offline(const SelftestOptions& options) {
  const auto report = run_offline_test(options.offline_request, [&](const TestStep& step) {
    if (!options.json) print_step(step);
  });
  if (options.json) {
    print_json(as_json(report));
  } else {
    for (const std::string& name : report.not_run) std::printf("%-20s not run\n", name.c_str());
    std::puts(report.ok() ? "The dump came through: every page, the log and the report are as they should be."
                          : "The self-test failed.");
  }
  return report.ok() ? kExitOk : kExitFailure;
}

ExitCode run(SelftestOptions& options) {
  if (!options.offline && !options.retention && !options.crash) {
    return report_failure(
        Failure(ErrorCode::invalid, "which self-test? Name --offline, --retention or --crash"));
  }
  if (options.offline) return run_offline(options);
  options.retention_options.result = options.crash_options.result = options.result;
  options.retention_options.yes = options.crash_options.yes = options.yes;
  options.retention_options.json = options.crash_options.json = options.json;
  return options.retention ? run_retention(options.retention_options) : run_crash(options.crash_options);
}

}  // namespace

void register_selftest_command(CLI::App& app, ExitCode& exit_code) {
  const auto options = std::make_shared<SelftestOptions>();
  CLI::App* command = app.add_subcommand("selftest", "Try out what a crash would need, step by step");
  OfflineTestRequest& offline = options->offline_request;
  CLI::Option* kind_offline =
      command->add_flag("--offline", options->offline,
                        "A made-up machine crashes in files: capture, recovery, upload; no root, no reboot");
  CLI::Option* kind_retention =
      command->add_flag("--retention", options->retention,
                        "Does the region's memory survive a warm reset? Needs one or two restarts");
  command
      ->add_flag("--crash", options->crash,
                 "Panic on purpose; after the reboot: did the dump of that very crash come back?")
      ->excludes(kind_offline, kind_retention);
  kind_offline->excludes(kind_retention);
  command->add_option("--destination", offline.destination, "Where the test's dump is sent (--offline)")
      ->type_name("URL");
  command
      ->add_option("--ca-file", offline.destination_options.ca_file,
                   "PEM roots to trust instead of the system's (--offline)")
      ->type_name("FILE");
  command
      ->add_option("--credentials-file", offline.destination_options.credentials_file,
                   "As for `warmdump upload` (--offline)")
      ->type_name("FILE");
  command->add_option("--keep", offline.kept_directory, "Leave everything in this new directory (--offline)")
      ->type_name("DIR");
  command->add_option("--capture", offline.capture_path, "The capture program to test (--offline)")
      ->type_name("FILE");
  RetentionOptions& retention = options->retention_options;
  command->add_option("--region", retention.region, "The region, where the machine has several (--retention)")
      ->type_name("NAME");
  CLI::Option* result =
      command->add_flag("--result", options->result, "Show the last verdict (--retention, --crash)");
  command->add_flag("--cancel", retention.cancel, "End a test that is under way (--retention)")
      ->excludes(result);
  command->add_flag("--reboot", retention.reboot, "Restart the machine as often as needed (--retention)")
      ->excludes(result);
  command->add_option("--spool", options->crash_options.spool, "Where dumps are kept (--crash --result)")
      ->type_name("DIR")
      ->capture_default_str();
  command->add_flag("--force", options->crash_options.force,
                    "Panic although `warmdump status` says NO (--crash)");
  command->add_flag("--yes", options->yes, "Do not ask before the system is ended");
  command->add_flag("--json", options->json, "Print the outcome as one JSON object");
  command->callback([options, &exit_code] {
    ::umask(S_IRWXG | S_IRWXO);
    exit_code = run(*options);
  });
}

}  // namespace warmdump
