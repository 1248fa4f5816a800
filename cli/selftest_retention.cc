// `warmdump selftest --retention`: begins the test, goes on with it, shows its verdict.

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <nlohmann/json.hpp>

#include "cli/command.h"
#include "cli/consent.h"
#include "cli/selftest_kinds.h"
#include "common/hosted/file_lock.h"
#include "recover/region/pmem_regions_ndctl.h"
#include "selftest/machine_facts.h"
#include "selftest/retention/retention_test.h"
#include "selftest/warm_reset.h"

namespace warmdump {
namespace {

class PrintedSteps final : public RecoverEvents {
 public:
  void step(const std::string& text) override { std::fprintf(stderr, "%s\n", text.c_str()); }
  void progress(const char*, ByteCount, ByteCount) override {}
};

Outcome<RetentionRecord> begin(const RetentionOptions& options, const StateDirectory& state) {
  const FileLock lock = TRY(FileLock::take(kRegionLockPath));
  PmemRegionsNdctl regions;
  PrintedSteps events;
  return begin_retention_test(options.region, options.reboot, regions, MachineFiles(), state, events);
}

std::string stage_text(const RetentionRecord& record, bool is_same_boot) {
  const bool is_written = record.stage == RetentionStage::written;
  if (!is_same_boot) {
    return is_written ? "The machine was restarted: `warmdump recover` tells what is left of the pattern."
                      : "The machine was restarted, but `warmdump recover` did not write the pattern: is "
                        "warmdump-recover.service enabled?";
  }
  if (is_written) {
    return "The pattern is in the region. Restart the machine warm (--reboot does); `warmdump recover` then "
           "tells what is "
           "left of it.";
  }
  return "The region is in use as memory. At the next boot `warmdump recover` writes the pattern, and the "
         "boot after that "
         "tells what is left of it. With --reboot both restarts happen by themselves.";
}

ExitCode show_result(const StateDirectory& state, bool json) {
  const auto result = state.load_result("retention");
  if (!result) return report_failure(result.error());
  if (!*result) {
    std::fputs("warmdump: no retention test has come to its end yet\n", stderr);
    return kExitTemporary;
  }
  if (json) {
    std::puts((*result)->dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace).c_str());
  } else {
    for (const std::string& line : retention_text(**result)) std::puts(line.c_str());
  }
  return (*result)->value("verdict", "") == "retained" ? kExitOk : kExitFailure;
}

Outcome<void> restart(RetentionRecord record, const StateDirectory& state, bool yes) {
  if (record.stage == RetentionStage::requested && !record.is_automatic) {
    record.is_automatic = true;
    TRY(store_retention_record(state, record));
  }
  TRY(ask_consent("This restarts the machine now.", yes));
  if (!prefer_warm_reset()) {
    std::fputs("warmdump: this kernel cannot be told to reset warm; it does what it does\n", stderr);
  }
  TRY(note_reset(MachineFiles(), state));
  return restart_machine();
}

Outcome<void> go_on(const RetentionOptions& options, const StateDirectory& state) {
  auto found = TRY(load_retention_record(state));
  const bool is_new = !found;
  const RetentionRecord record = found ? *found : TRY(begin(options, state));
  const std::string boot = boot_id(MachineFiles());
  const bool is_written = record.stage == RetentionStage::written;
  const bool is_same_boot =
      is_new || boot == (is_written ? record.written_boot_id : record.requested_boot_id);
  std::puts(stage_text(record, is_same_boot).c_str());
  if (!options.reboot) return {};
  if (is_written && !is_same_boot)
    return Failure(ErrorCode::refused, "not restarted: the pattern waits to be looked at");
  return restart(record, state, options.yes);
}

}  // namespace

ExitCode run_retention(const RetentionOptions& options) {
  const StateDirectory state;
  if (options.result) return show_result(state, options.json);
  if (::geteuid() != 0)
    return report_failure(Failure(ErrorCode::no_permission, "the retention test needs root"));
  if (options.cancel) {
    const auto removed = state.remove(kRetentionFile);
    if (!removed) return report_failure(removed.error());
    std::puts("No retention test is under way any more; `warmdump recover` gives the region back.");
    return kExitOk;
  }
  const auto done = go_on(options, state);
  return done ? kExitOk : report_failure(done.error());
}

}  // namespace warmdump
