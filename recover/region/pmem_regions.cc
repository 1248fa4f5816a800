#include "recover/region/pmem_regions.h"

#include <fmt/format.h>

namespace warmdump {
namespace {

std::string list_of(const std::vector<PmemRegion>& regions) {
  std::string list;
  for (const PmemRegion& region : regions) {
    list += fmt::format("{}{} ({} MiB at {:#x})", list.empty() ? "" : ", ", region.name, region.size / kMiB,
                        region.start);
  }
  return list;
}

// The kernel numbers the disk of a region like the region: /dev/pmem0 is region0.
std::string region_name_of(const std::string& name) {
  const std::string base = std::filesystem::path(name).filename();
  return base.starts_with("pmem") ? "region" + base.substr(4) : base;
}

}  // namespace

Outcome<PmemRegion> choose_region(const std::vector<PmemRegion>& regions, const std::string& name) {
  if (regions.empty()) {
    return Failure(ErrorCode::not_found,
                   "no `Persistent Memory (legacy)` region: is memmap= of `warmdump plan` on the kernel "
                   "command line?");
  }
  if (name.empty()) {
    if (regions.size() == 1) return regions.front();
    return Failure(ErrorCode::invalid,
                   "several regions, name one with --region: " + list_of(regions) +
                       ". One region cut into pieces means that memmap= crosses a border of the firmware's "
                       "memory map: choose another with `warmdump plan`");
  }
  for (const PmemRegion& region : regions) {
    if (region.name == region_name_of(name)) return region;
  }
  return Failure(ErrorCode::not_found, fmt::format("no region `{}`; there is {}", name, list_of(regions)));
}

}  // namespace warmdump
