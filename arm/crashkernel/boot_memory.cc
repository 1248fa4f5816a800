#include "arm/crashkernel/boot_memory.h"

#include <algorithm>

#include "arm/crashkernel/crash_kernel_lines.h"
#include "arm/machine/address_ranges.h"
#include "arm/machine/command_line.h"

namespace warmdump {
namespace {

constexpr ByteCount kEarlyBoot = kMiB;

std::vector<AddressRange> regions_of(const Machine& machine, const std::vector<AddressRange>& planned) {
  std::vector<AddressRange> regions = planned;
  const auto add = [&regions](const std::vector<AddressRange>& more) {
    for (const AddressRange& region : more) {
      if (std::find(regions.begin(), regions.end(), region) == regions.end()) regions.push_back(region);
    }
  };
  add(ranges_named(machine.map, kPersistentMemoryName));
  const auto asked = regions_of_command_line(machine.command_line.value_or(""));
  if (asked.has_value()) add(*asked);
  return regions;
}

void add_taken(const Machine& machine, BootMemory& memory) {
  bool inside_ram = false;
  for (const MapEntry& entry : machine.map.entries) {
    if (entry.depth == 0) inside_ram = entry.name == kSystemRamName;
    if (entry.depth == 1 && inside_ram && !is_crash_kernel_line(entry)) {
      memory.taken.push_back({entry.range, entry.name});
    }
  }
  if (machine.boot && machine.boot->initrd)
    memory.taken.push_back({*machine.boot->initrd, "initial RAM disk"});
  if (!memory.ram.empty()) {
    const AddressRange& highest = memory.ram.back();
    const ByteCount size = std::min(kEarlyBoot, highest.size);
    memory.taken.push_back({{highest.end() - size, size}, "early boot"});
  }
  std::sort(memory.taken.begin(), memory.taken.end(),
            [](const TakenMemory& a, const TakenMemory& b) { return a.range.start < b.range.start; });
}

}  // namespace

ByteCount BootMemory::ram_size() const {
  return total_size(ram);
}

BootMemory boot_memory_of(const Machine& machine, const std::vector<AddressRange>& planned) {
  BootMemory memory;
  memory.regions = regions_of(machine, planned);
  memory.ram = joined(ranges_named(machine.map, kSystemRamName));
  if (machine.boot && machine.boot->ram_complete) {
    memory.ram = common_parts(memory.ram, joined(machine.boot->ram));
  }
  memory.ram = without(memory.ram, memory.regions);
  memory.movable_node = machine.options.movable_node;
  for (std::size_t i = 0; i < machine.affinity.size(); ++i) {
    const AffinityRange& range = machine.affinity[i];
    if (range.hot_pluggable) memory.hotpluggable.push_back(range.range);
    if (i > 0 && machine.affinity[i - 1].domain != range.domain)
      memory.node_borders.push_back(range.range.start);
  }
  add_taken(machine, memory);
  return memory;
}

std::vector<AddressRange> free_memory(const BootMemory& memory) {
  std::vector<AddressRange> free = memory.ram;
  for (const TakenMemory& taken : memory.taken) free = without(free, {taken.range});
  if (memory.movable_node) free = without(free, memory.hotpluggable);
  for (const PhysicalAddress border : memory.node_borders) free = split_at(free, border);
  return free;
}

}  // namespace warmdump
