#include "arm/plan/boot_ram.h"

#include <algorithm>

namespace warmdump {
namespace {

bool touches_another(const AddressRange& region, const AddressRanges& regions) {
  return std::any_of(regions.begin(), regions.end(), [&](const AddressRange& other) {
    return other.end() == region.start || other.start == region.end();
  });
}

bool is_ram_of_firmware(const Machine& machine, const AddressRange& region) {
  if (!machine.firmware_map) return true;
  const AddressRanges usable = usable_ranges(*machine.firmware_map);
  return std::any_of(usable.begin(), usable.end(),
                     [&](const AddressRange& entry) { return entry.contains(region); });
}

// System RAM and, where the kernel cut it out of them, the region between two of its entries.
AddressRanges ram_with_region(const Machine& machine) {
  AddressRanges ram = ranges_named(machine.map, kSystemRamName);
  const auto region = own_region(machine);
  if (!region) return ram;
  AddressRanges around{*region};
  std::erase_if(ram, [&](const AddressRange& range) {
    const bool touches = range.end() == region->start || range.start == region->end();
    if (touches) around.push_back(range);
    return touches;
  });
  for (const AddressRange& range : joined(around)) ram.push_back(range);
  std::sort(ram.begin(), ram.end(),
            [](const AddressRange& a, const AddressRange& b) { return a.start < b.start; });
  return ram;
}

}  // namespace

bool well_formed(const AddressRange& region, ByteCount block_size) {
  return (region.start + kRegionLead) % block_size == 0 && region.size > kRegionLead &&
         (region.size - kRegionLead) % block_size == 0;
}

std::optional<AddressRange> own_region(const Machine& machine) {
  const AddressRanges regions = ranges_named(machine.map, kPersistentMemoryName);
  std::optional<AddressRange> found;
  for (const AddressRange& region : regions) {
    if (touches_another(region, regions) || !is_ram_of_firmware(machine, region)) continue;
    if (regions.size() > 1 && !well_formed(region, machine.block_size)) continue;
    if (found) return std::nullopt;
    found = region;
  }
  return found;
}

AddressRanges added_after_boot(const Machine& machine) {
  if (!machine.boot || !machine.boot->ram_complete) return {};
  return without(ranges_named(machine.map, kSystemRamName), machine.boot->ram);
}

AddressRanges boot_ram(const Machine& machine) {
  AddressRanges ram = without(ram_with_region(machine), added_after_boot(machine));
  return machine.firmware_map ? common_parts(ram, usable_ranges(*machine.firmware_map)) : ram;
}

bool affinity_in_use(const Machine& machine) {
  if (machine.affinity_state != TableState::present) return false;
  AddressRanges covered;
  for (const AffinityRange& entry : machine.affinity) covered.push_back(entry.range);
  return !covered.empty() && total_size(without(boot_ram(machine), covered)) < kMiB;
}

}  // namespace warmdump
