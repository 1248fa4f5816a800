#include "arm/crashkernel/boot_memory.h"

#include <algorithm>
#include <numeric>

#include "arm/crashkernel/crash_kernel_lines.h"
#include "arm/machine/command_line.h"

namespace warmdump {
namespace {

constexpr ByteCount kEarlyBoot = kMiB;

bool by_address(const AddressRange& a, const AddressRange& b) {
  return a.start < b.start;
}

std::vector<AddressRange> intersection(const std::vector<AddressRange>& some,
                                       const std::vector<AddressRange>& others) {
  std::vector<AddressRange> common;
  for (const AddressRange& one : some) {
    for (const AddressRange& other : others) {
      const PhysicalAddress start = std::max(one.start, other.start);
      const PhysicalAddress end = std::min(one.end(), other.end());
      if (start < end) common.push_back({start, end - start});
    }
  }
  std::sort(common.begin(), common.end(), by_address);
  return common;
}

// As the kernel joins neighbours: what the firmware lists in pieces is one.
std::vector<AddressRange> joined(std::vector<AddressRange> ranges) {
  std::sort(ranges.begin(), ranges.end(), by_address);
  std::vector<AddressRange> result;
  for (const AddressRange& range : ranges) {
    if (!result.empty() && result.back().end() >= range.start) {
      result.back().size = std::max(result.back().end(), range.end()) - result.back().start;
    } else {
      result.push_back(range);
    }
  }
  return result;
}

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

void cut_at(PhysicalAddress border, std::vector<AddressRange>& ranges) {
  for (std::size_t i = 0; i < ranges.size(); ++i) {
    const AddressRange range = ranges[i];
    if (border <= range.start || border >= range.end()) continue;
    ranges[i].size = border - range.start;
    ranges.insert(ranges.begin() + static_cast<std::ptrdiff_t>(i) + 1, {border, range.end() - border});
    return;
  }
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
  return std::accumulate(ram.begin(), ram.end(), ByteCount{0},
                         [](ByteCount sum, const AddressRange& range) { return sum + range.size; });
}

BootMemory boot_memory_of(const Machine& machine, const std::vector<AddressRange>& planned) {
  BootMemory memory;
  memory.regions = regions_of(machine, planned);
  memory.ram = joined(ranges_named(machine.map, kSystemRamName));
  if (machine.boot && machine.boot->ram_complete) {
    memory.ram = intersection(memory.ram, joined(machine.boot->ram));
  }
  for (const AddressRange& region : memory.regions) memory.ram = without(memory.ram, region);
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
  for (const TakenMemory& taken : memory.taken) free = without(free, taken.range);
  if (memory.movable_node) {
    for (const AddressRange& range : memory.hotpluggable) free = without(free, range);
  }
  for (const PhysicalAddress border : memory.node_borders) cut_at(border, free);
  return free;
}

std::vector<AddressRange> without(const std::vector<AddressRange>& ranges, const AddressRange& hole) {
  std::vector<AddressRange> left;
  for (const AddressRange& range : ranges) {
    if (!range.overlaps(hole)) {
      left.push_back(range);
      continue;
    }
    if (range.start < hole.start) left.push_back({range.start, hole.start - range.start});
    if (hole.end() < range.end()) left.push_back({hole.end(), range.end() - hole.end()});
  }
  return left;
}

}  // namespace warmdump
