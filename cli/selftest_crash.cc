// `warmdump selftest --crash`: panics the machine on purpose, and tells after the reboot what came of it.

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <iterator>
#include <nlohmann/json.hpp>

#include "arm/load/arming.h"
#include "arm/status/status_report.h"
#include "cli/command.h"
#include "cli/consent.h"
#include "cli/selftest_kinds.h"
#include "selftest/crash/crash_test.h"
#include "selftest/machine_facts.h"
#include "selftest/program.h"

namespace warmdump {
namespace {

constexpr std::chrono::seconds kArmTimeMax{600};

// By the command itself and with the options that this boot was armed with: the test shall try what is there.
Outcome<void> arm_with_id(const std::string& id) {
  constexpr const char* kTestIdOption = "--test-id=";
  std::vector<std::string> arguments{"arm"};
  if (const auto record = TRY(armed_record(MachineFiles(), ArmPlaces()))) {
    std::ranges::copy_if(record->arguments, std::back_inserter(arguments),
                         [](const std::string& argument) { return !argument.starts_with(kTestIdOption); });
  }
  if (!id.empty()) arguments.push_back(kTestIdOption + id);
  const ProgramEnd end = TRY(run_program("/proc/self/exe", arguments, kArmTimeMax));
  std::fputs(end.output.c_str(), stderr);
  if (end.exit_code == 0) return {};
  return Failure(ErrorCode::io, fmt::format("`warmdump arm` ended with exit code {}: {}", end.exit_code,
                                            last_line(end.output)));
}

// What `warmdump status` says, which is not always right: hence --force.
Outcome<void> check_status() {
  const StatusReport report = judge_status(gather_status_facts(MachineFiles(), free_space_on_disk));
  if (report.captured.value_or(true)) return {};
  return Failure(ErrorCode::refused,
                 fmt::format("no dump would be recovered, so there is no panic (--force does it even "
                             "so): {}; see `warmdump status`",
                             report.reason));
}

int verdict_exit_code(const nlohmann::ordered_json& result) {
  const std::string verdict = result.value("verdict", "");
  if (verdict == crash_verdict_name(CrashVerdict::found_complete)) return kExitOk;
  return verdict == crash_verdict_name(CrashVerdict::found_partial) ? kExitIncomplete : kExitFailure;
}

ExitCode show(const nlohmann::ordered_json& result, bool json) {
  if (json) {
    std::puts(result.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace).c_str());
  } else {
    std::puts(crash_text(result).c_str());
  }
  return static_cast<ExitCode>(verdict_exit_code(result));
}

ExitCode not_known_yet(const std::string& why) {
  std::fprintf(stderr, "warmdump: %s\n", why.c_str());
  return kExitTemporary;
}

ExitCode show_result(const CrashOptions& options, const StateDirectory& state) {
  const MachineFiles files;
  const auto record = load_crash_record(state);
  if (!record) return report_failure(record.error());
  if (*record) {
    if ((*record)->boot_id == boot_id(files))
      return not_known_yet("not crashed yet: this is still the boot that is to crash");
    const auto found = find_crash_dump(options.spool, files, state);
    if (!found) return report_failure(found.error());
    if (!*found) {
      return not_known_yet(
          "the machine was restarted, but `warmdump recover` has not looked into the region yet");
    }
    return show(as_json(**found), options.json);
  }
  const auto result = state.load_result("crash");
  if (!result) return report_failure(result.error());
  if (!*result) return not_known_yet("no crash test was made");
  return show(**result, options.json);
}

}  // namespace

ExitCode run_crash(const CrashOptions& options) {
  const StateDirectory state;
  if (options.result) return show_result(options, state);
  if (::geteuid() != 0) return report_failure(Failure(ErrorCode::no_permission, "the crash test needs root"));
  const CrashActions actions{
      .consent =
          [&] {
            return ask_consent("This panics the machine now, whatever runs on it; what is not saved is lost.",
                               options.yes);
          },
      .arm = arm_with_id,
      .check = [&] { return options.force ? Outcome<void>() : check_status(); },
      .panic =
          [] {
            std::fputs("Panic. After the reboot: warmdump selftest --crash --result\n", stderr);
            return panic_by_sysrq();
          },
  };
  return report_failure(crash_on_purpose(MachineFiles(), state, actions).error());
}

}  // namespace warmdump
