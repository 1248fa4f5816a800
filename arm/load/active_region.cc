#include "arm/load/active_region.h"

#include <fmt/format.h>

#include <algorithm>

#include "arm/machine/command_line.h"
#include "common/dump_format/dump_format.h"
#include "common/hosted/byte_count_text.h"

namespace warmdump {
namespace {

bool has(const std::vector<AddressRange>& regions, const AddressRange& region) {
  return std::find(regions.begin(), regions.end(), region) != regions.end();
}

std::string list_text(const std::vector<AddressRange>& regions) {
  std::string text;
  for (const AddressRange& region : regions) {
    text += fmt::format("{}{:#x},{}", text.empty() ? "" : "  ", region.start, exact_byte_count(region.size));
  }
  return text;
}

Outcome<AddressRange> choose(const std::vector<AddressRange>& regions,
                             const std::optional<AddressRange>& wanted, const std::string& where) {
  if (regions.empty()) {
    return Failure(
        ErrorCode::not_found,
        fmt::format("{} has no region for the dump: add the options that `warmdump plan` prints to the "
                    "kernel command line and reboot",
                    where));
  }
  if (wanted && !has(regions, *wanted)) {
    return Failure(ErrorCode::not_found,
                   fmt::format("{} has no region {:#x},{}; it has: {}", where, wanted->start,
                               exact_byte_count(wanted->size), list_text(regions)));
  }
  if (!wanted && regions.size() > 1) {
    return Failure(ErrorCode::refused, fmt::format("{} has {} regions; choose one with --region: {}", where,
                                                   regions.size(), list_text(regions)));
  }
  const AddressRange region = wanted ? *wanted : regions.front();
  if (region.size < dump_format::kRegionSizeMin) {
    return Failure(
        ErrorCode::no_space,
        fmt::format("the region {} is too small for a dump: {}, at least {}", address_range_text(region),
                    readable_byte_count(region.size), readable_byte_count(dump_format::kRegionSizeMin)));
  }
  return region;
}

}  // namespace

Outcome<AddressRange> find_active_region(const MemoryMap& map, std::string_view command_line,
                                         const std::optional<AddressRange>& wanted) {
  const std::vector<AddressRange> asked_for = TRY(regions_of_command_line(command_line));
  const AddressRange region = TRY(choose(ranges_named(map, kPersistentMemoryName), wanted, "this machine"));
  if (!has(asked_for, region)) {
    return Failure(
        ErrorCode::refused,
        fmt::format("the kernel made the region {:#x},{}, but its command line asks for {}; the crash kernel "
                    "would get another one. Choose a region with `warmdump plan`",
                    region.start, exact_byte_count(region.size),
                    asked_for.empty() ? "none" : list_text(asked_for)));
  }
  return region;
}

Outcome<AddressRange> find_region_of_command_line(std::string_view command_line,
                                                  const std::optional<AddressRange>& wanted) {
  if (wanted) return choose({*wanted}, wanted, "--region");
  return choose(TRY(regions_of_command_line(command_line)), wanted, "the kernel command line");
}

}  // namespace warmdump
