#include "recover/recover_machine.h"

#include <fmt/format.h>

#include "common/file_device.h"

namespace warmdump {
namespace {

Outcome<RegionRecovery> recover_device(const std::filesystem::path& path, FileDevice::Access access,
                                       PhysicalAddress start, const RecoverRequest& request,
                                       DumpExtractor& extractor, RecoverEvents& events) {
  FileDevice device;
  TRY(in_context("cannot use " + path.string(), device.open(path.c_str(), access)));
  const Spool spool = TRY(Spool::open(request.spool, request.host));
  return in_context(path.string(), recover_region(device, start, spool, extractor, events));
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
  const auto all = TRY(regions.find());
  PmemRegion region = TRY(choose_region(all, request.region));
  Recovery report;
  report.region = region.name;
  report.start = region.start;
  report.size = region.size;
  events.step(fmt::format("{}: {} MiB at {:#x}", region.name, region.size / kMiB, region.start));

  if (region.shape == RegionShape::system_ram) {
    events.step("the region is system RAM already: nothing to recover");
  } else {
    const auto path = TRY(in_context("cannot open " + region.name, regions.open_raw(region)));
    region.shape = RegionShape::raw;
    report.dump = TRY(recover_device(path, FileDevice::Access::read_write_direct, region.start, request,
                                     extractor, events));
  }
  if (!request.return_to_system) return report;

  auto returned = return_region(regions, region, events);
  if (returned) {
    report.returned = std::move(*returned);
  } else {
    report.return_failure = std::move(returned.error());
  }
  return report;
}

}  // namespace warmdump
