#include "recover/recover_machine.h"

#include <fmt/format.h>

#include "common/dump_format/dump_state.h"
#include "common/file_device.h"
#include "common/stopwatch.h"
#include "recover/region/region_holder.h"
#include "recover/region/wipe.h"
#include "recover/save_dump.h"

namespace warmdump {
namespace {

using dump_format::State;

constexpr const char* kDumpStays = "the dump stays on the region";

std::optional<State> state_on(const Device& device, PhysicalAddress start) {
  const auto header = read_region_header(device);
  if (!header || header->region_start != start || header->region_size != device.size()) return std::nullopt;
  return static_cast<State>(static_cast<std::uint32_t>(header->state));
}

bool waits_for_a_dump(std::optional<State> state) {
  return state == State::empty || state == State::cleared;
}

// What the next try will find is the first thing to know about a failure.
Failure with_what_is_left(Failure failure, const Device& device, PhysicalAddress start) {
  const auto state = state_on(device, start);
  if (state && dump_format::holds_dump(*state) && failure.message.find(kDumpStays) == std::string::npos) {
    failure.message += std::string("; ") + kDumpStays;
  }
  return failure;
}

Outcome<RegionRecovery> recover_device(const std::filesystem::path& path, FileDevice::Access access,
                                       PhysicalAddress start, const RecoverRequest& request,
                                       DumpExtractor& extractor, RecoverEvents& events) {
  FileDevice device;
  if (auto opened = device.open(path.c_str(), access); !opened) {
    return in_use(Failure(opened.error()).in("cannot use " + path.string()), path);
  }
  auto spool = Spool::open(request.spool, request.host, request.layout);
  if (!spool) {
    // No dump, no need of a spool: a full or broken disk must not cost the machine its memory.
    if (!waits_for_a_dump(state_on(device, start))) {
      return with_what_is_left(std::move(spool.error()), device, start);
    }
    events.step("no dump on the region; a dump could not be saved now: " + spool.error().message);
    return RegionRecovery{};
  }
  TrustRules trust = request.trust;
  trust.is_own_region = !is_plain_file_or_disk(request.region);
  const SpoolKeeper keeper(request.spool, request.retention, request.kept_dump);
  auto recovered = recover_region(device, start, *spool, extractor, events, trust,
                                  {.keeper = &keeper, .forwarder = request.forwarder});
  if (!recovered) return with_what_is_left(std::move(recovered.error()), device, start).in(path.string());
  tell_retention(keeper.enforce(), events);
  return recovered;
}

Outcome<Recovery> recover_file(const RecoverRequest& request, DumpExtractor& extractor,
                               RecoverEvents& events) {
  if (request.return_to_system) {
    return Failure(ErrorCode::invalid,
                   request.region + " is no region of this machine: only --no-return works on it");
  }
  Recovery report;
  report.region = request.region;
  std::error_code ignored;
  report.size = std::filesystem::file_size(request.region, ignored);
  if (ignored) report.size = 0;
  report.dump =
      TRY(recover_device(request.region, FileDevice::Access::read_write, 0, request, extractor, events));
  return report;
}

}  // namespace

bool is_plain_file_or_disk(const std::string& region) {
  std::error_code ignored;
  const std::filesystem::file_status status = std::filesystem::status(region, ignored);
  if (std::filesystem::is_regular_file(status)) return true;
  return std::filesystem::is_block_file(status) &&
         !std::filesystem::path(region).filename().string().starts_with("pmem");
}

Outcome<Recovery> recover_machine(const RecoverRequest& request, PmemRegions& regions,
                                  DumpExtractor& extractor, RecoverEvents& events) {
  if (is_plain_file_or_disk(request.region)) return recover_file(request, extractor, events);

  if (request.region.find('/') != std::string::npos && !request.region.starts_with("/dev/pmem")) {
    return Failure(ErrorCode::not_found, "no file or disk " + request.region);
  }
  const Stopwatch finding;
  const auto all = TRY(regions.find());
  PmemRegion region = TRY(choose_region(all, request.region));
  Recovery report;
  report.region = region.name;
  report.start = region.start;
  report.size = region.size;
  report.find_ms = finding.elapsed_ms();
  events.step(fmt::format("{}: {} MiB at {:#x}", region.name, region.size / kMiB, region.start));

  if (region.shape == RegionShape::system_ram) {
    events.step("the region is system RAM already: nothing to recover");
  } else {
    const Stopwatch opening;
    const auto path = TRY(in_context("cannot open " + region.name, regions.open_raw(region)));
    report.open_ms = opening.elapsed_ms();
    region.shape = RegionShape::raw;
    report.dump = TRY(recover_device(path, FileDevice::Access::read_write_direct, region.start, request,
                                     extractor, events));
  }
  report.region_times = regions.times();
  const bool is_left = report.dump && report.dump->outcome == DumpOutcome::left_alone;
  if (!request.return_to_system || is_left) return report;

  auto returned = return_region(regions, region, events);
  if (returned) {
    report.returned = std::move(*returned);
  } else {
    report.return_failure = std::move(returned.error());
  }
  report.region_times = regions.times();
  return report;
}

}  // namespace warmdump
