// `warmdump release`: gives the region to the system as memory by hand, or takes it back (--undo).

#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "cli/command.h"
#include "cli/dump_report.h"
#include "cli/recover_report.h"
#include "common/hosted/file_lock.h"
#include "recover/region/pmem_regions_ndctl.h"
#include "recover/region/release_region.h"
#include "recover/region/take_back_region.h"
#include "selftest/retention/retention_record.h"

namespace warmdump {
namespace {

struct ReleaseOptions {
  std::string region;
  bool undo = false;
  unsigned timeout_s = kTakeBackLimitMs / 1000;
  bool json = false;
};

class PrintedSteps final : public RecoverEvents {
 public:
  void step(const std::string& text) override { std::fputs((text + "\n").c_str(), stderr); }
  void progress(const char*, ByteCount, ByteCount) override {}
};

// The pattern of a test would be overwritten, and the test fail without a fault of the machine.
Outcome<void> require_no_retention_test(const PmemRegion& region) {
  if (region.shape == RegionShape::system_ram) return {};
  const auto record = TRY(load_retention_record(StateDirectory()));
  if (!record || record->stage != RetentionStage::written) return {};
  return Failure(ErrorCode::busy,
                 region.name +
                     " holds the pattern of a retention test: reboot, and `warmdump recover` "
                     "ends the test and gives the region back");
}

nlohmann::json region_as_json(const PmemRegion& region) {
  return {{"name", region.name}, {"start", region.start}, {"size", region.size}};
}

nlohmann::json memory_as_json(ByteCount before, ByteCount after) {
  return {{"memory_total_before", before}, {"memory_total_after", after}};
}

void print_json(const nlohmann::json& json) {
  std::puts(json.dump(2, ' ', false, nlohmann::json::error_handler_t::replace).c_str());
}

Outcome<void> release(const ReleaseOptions& options, PmemRegions& regions, const PmemRegion& region,
                      RecoverEvents& events) {
  TRY(require_no_retention_test(region));
  const RegionReturn returned = TRY(release_region(regions, region, events));
  if (options.json) {
    print_json({{"region", region_as_json(region)},
                {"returned", returned_as_json(returned)},
                {"timings_ms", return_times_as_json(returned)}});
    return {};
  }
  print_region(region.name, region.start, region.size);
  print_returned(returned);
  return {};
}

Outcome<void> undo(const ReleaseOptions& options, PmemRegions& regions, const PmemRegion& region,
                   RecoverEvents& events) {
  const RegionTakenBack taken =
      TRY(take_back_region(regions, region, std::uint64_t{options.timeout_s} * 1000, events));
  if (options.json) {
    nlohmann::json json = memory_as_json(taken.memory_total_before, taken.memory_total_after);
    json["already"] = taken.was_raw;
    json["disk"] = taken.disk.string();
    json["memory_blocks"] = taken.blocks;
    print_json({{"region", region_as_json(region)},
                {"taken_back", json},
                {"timings_ms", {{"total", taken.elapsed_ms}}}});
    return {};
  }
  print_region(region.name, region.start, region.size);
  print_recovery_line("taken back", taken.was_raw ? "before: " + taken.disk.string()
                                                  : fmt::format("{} memory blocks, now {}", taken.blocks,
                                                                taken.disk.string()));
  return {};
}

Outcome<void> run_locked(const ReleaseOptions& options) {
  if (::geteuid() != 0) return Failure(ErrorCode::no_permission, "must run as root to use the dump region");
  const FileLock lock = TRY(FileLock::take(kRegionLockPath));
  PmemRegionsNdctl regions;
  PrintedSteps events;
  const PmemRegion region = TRY(choose_region(TRY(regions.find()), options.region));
  return options.undo ? undo(options, regions, region, events) : release(options, regions, region, events);
}

ExitCode run_release(const ReleaseOptions& options) {
  const auto done = run_locked(options);
  if (done) return kExitOk;
  if (options.json) print_json({{"error", recover_failure_as_json(done.error())}});
  return report_failure(done.error());
}

}  // namespace

void register_release_command(CLI::App& app, ExitCode& exit_code) {
  auto options = std::make_shared<ReleaseOptions>();
  CLI::App* command =
      app.add_subcommand("release", "Give the region to the system as memory, or take it back.");
  command->add_option("--region", options->region, "regionN or /dev/pmemN when there are several")
      ->type_name("DEVICE");
  CLI::Option* undo = command->add_flag("--undo", options->undo, "Make a raw disk of it again");
  command
      ->add_option("--timeout", options->timeout_s,
                   fmt::format("How long --undo may take to empty the memory; {} unless set otherwise",
                               kTakeBackLimitMs / 1000))
      ->type_name("SECONDS")
      ->check(CLI::Range(1, 3600))
      ->needs(undo);
  command->add_flag("--json", options->json, "Print the outcome as one JSON object");
  command->callback([options, &exit_code] { exit_code = run_release(*options); });
}

}  // namespace warmdump
