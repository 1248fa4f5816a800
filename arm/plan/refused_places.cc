#include "arm/plan/refused_places.h"

#include <algorithm>

#include "arm/plan/boot_ram.h"
#include "common/hosted/byte_count_text.h"

namespace warmdump {
namespace {

// The kernel's image without address randomisation (CONFIG_PHYSICAL_START's default).
constexpr PhysicalAddress kKernelStart = 16 * kMiB;

AddressRanges regions_of(const Machine& machine) {
  return ranges_named(machine.map, kPersistentMemoryName);
}

void add(std::vector<RefusedPlace>& refused, const AddressRanges& ranges, RefusalKind kind,
         const std::string& reason) {
  for (const AddressRange& range : ranges) refused.push_back({range, reason, kind});
}

// With randomisation the image lies elsewhere at every boot, and keeps off the regions of memmap=.
bool kernel_has_a_fixed_place(const Machine& machine) {
  if (machine.architecture != Architecture::x86_64 || machine.options.no_randomisation) return true;
  return std::any_of(machine.map.entries.begin(), machine.map.entries.end(), [](const MapEntry& entry) {
    return entry.name == "Kernel code" && entry.range.start == kKernelStart;
  });
}

// What lies directly inside System RAM. What lies inside a region is our own.
void occupied(const Machine& machine, std::vector<RefusedPlace>& refused) {
  const bool kernel_stays = kernel_has_a_fixed_place(machine);
  bool inside_ram = false;
  for (const MapEntry& entry : machine.map.entries) {
    if (entry.depth == 0) inside_ram = entry.name == kSystemRamName;
    if (entry.depth != 1 || !inside_ram) continue;
    if (entry.name.starts_with("Kernel ") && !kernel_stays) continue;
    const bool crash_kernel = entry.name.starts_with("Crash kernel");
    refused.push_back({entry.range, "occupied by " + entry.name,
                       crash_kernel ? RefusalKind::crash_kernel : RefusalKind::occupied});
  }
}

// Boot loaders fill from the top: a larger initrd begins lower, and ends at the same place.
void initrd(const Machine& machine, std::vector<RefusedPlace>& refused) {
  if (!machine.boot || !machine.boot->initrd) return;
  const AddressRange& range = *machine.boot->initrd;
  const ByteCount growth = std::min(range.size, range.start);
  refused.push_back({{range.start - growth, range.size + growth},
                     "the boot loader puts the initrd there, and does not know of memmap=",
                     RefusalKind::initrd});
}

void not_firmware(const Machine& machine, std::vector<RefusedPlace>& refused) {
  if (!machine.firmware_map) return;
  add(refused,
      without(without(ranges_named(machine.map, kSystemRamName), added_after_boot(machine)),
              usable_ranges(*machine.firmware_map)),
      RefusalKind::not_firmware, "RAM for the kernel, but not in the firmware's memory map");
}

void added_later(const Machine& machine, std::vector<RefusedPlace>& refused) {
  add(refused, added_after_boot(machine), RefusalKind::added_later,
      "was not there when the kernel started: plugged in later, it may be unplugged again");
  for (const MapEntry& entry : machine.map.entries) {
    if (!entry.name.starts_with("System RAM (")) continue;
    if (!common_parts({entry.range}, regions_of(machine)).empty()) continue;
    refused.push_back(
        {entry.range, "memory that a driver added after boot: " + entry.name, RefusalKind::added_later});
  }
}

void hot_pluggable(const Machine& machine, std::vector<RefusedPlace>& refused) {
  AddressRanges pluggable;
  for (const AffinityRange& entry : machine.affinity) {
    if (entry.hot_pluggable) pluggable.push_back(entry.range);
  }
  add(refused, joined(common_parts(boot_ram(machine), pluggable)), RefusalKind::hot_pluggable,
      "the firmware says it can be unplugged (SRAT)");
}

void movable(const Machine& machine, std::vector<RefusedPlace>& refused) {
  // With movablecore= or kernelcore= such a zone says nothing about plugs.
  if (!machine.blocks || machine.options.movable_split) return;
  AddressRanges blocks;
  for (const MemoryBlocks& entry : *machine.blocks) {
    if (entry.online && entry.zone == "Movable") blocks.push_back(entry.range);
  }
  add(refused, joined(common_parts(boot_ram(machine), without(blocks, regions_of(machine)))),
      RefusalKind::movable, "the kernel keeps it movable: it may be unplugged");
}

void offline(const Machine& machine, std::vector<RefusedPlace>& refused) {
  if (!machine.blocks) return;
  AddressRanges blocks;
  for (const MemoryBlocks& entry : *machine.blocks) {
    if (!entry.online) blocks.push_back(entry.range);
  }
  add(refused, joined(common_parts(boot_ram(machine), without(blocks, regions_of(machine)))),
      RefusalKind::offline, "its memory blocks are offline: somebody took them out of use");
}

void without_node(const Machine& machine, std::vector<RefusedPlace>& refused) {
  if (!affinity_in_use(machine)) return;
  AddressRanges known;
  for (const AffinityRange& entry : machine.affinity) known.push_back(entry.range);
  add(refused, without(boot_ram(machine), known), RefusalKind::without_node,
      "the affinity table (SRAT) has no node for it");
}

// To add one: a function that adds the places it forbids, a line here, and where it is a kind of its own, its
// name in RefusalKind, below and in warmdump-plan(8).
constexpr void (*kRules[])(const Machine&, std::vector<RefusedPlace>&) = {
    occupied, initrd, not_firmware, added_later, hot_pluggable, movable, offline, without_node,
};

}  // namespace

const char* refusal_name(RefusalKind kind) {
  switch (kind) {
    case RefusalKind::occupied:
      return "occupied";
    case RefusalKind::crash_kernel:
      return "crash-kernel";
    case RefusalKind::initrd:
      return "initrd";
    case RefusalKind::not_firmware:
      return "not-in-firmware-map";
    case RefusalKind::added_later:
      return "added-later";
    case RefusalKind::hot_pluggable:
      return "hot-pluggable";
    case RefusalKind::movable:
      return "movable";
    case RefusalKind::offline:
      return "offline";
    case RefusalKind::without_node:
      return "without-node";
    case RefusalKind::too_small:
      return "too-small";
  }
  return "unknown";
}

std::vector<RefusedPlace> refused_places(const Machine& machine) {
  std::vector<RefusedPlace> refused;
  for (const auto rule : kRules) rule(machine, refused);
  return refused;
}

}  // namespace warmdump
