#include "arm/estimate/captured_memory.h"

#include <algorithm>
#include <string_view>

#include "arm/machine/address_ranges.h"

namespace warmdump {
namespace {

// x86 leaves it out of what the crash kernel is told of.
constexpr PhysicalAddress kLowEnd = 1 * kMiB;

bool is_kernel_section(std::string_view name) {
  return name == "Kernel code" || name == "Kernel rodata" || name == "Kernel data" || name == "Kernel bss";
}

}  // namespace

CapturedMemory captured_memory(const MemoryMap& map) {
  std::vector<AddressRange> ram;
  AddressRange image;
  for (const MapEntry& entry : map.entries) {
    // Memory that was plugged in shows up at any depth: "System RAM (virtio_mem)".
    if (entry.name.starts_with(kSystemRamName)) {
      ram = without(ram, {entry.range});
      ram.push_back(entry.range);
    }
    if (is_kernel_section(entry.name)) {
      const PhysicalAddress end = std::max(image.end(), entry.range.end());
      if (image.size == 0) image.start = entry.range.start;
      image.size = end - image.start;
    }
  }
  for (const MapEntry& entry : map.entries) {
    if (entry.name.starts_with("Crash kernel") || entry.name == kPersistentMemoryName) {
      ram = without(ram, {entry.range});
    }
  }
  ram = without(ram, {{0, kLowEnd}});
  std::sort(ram.begin(), ram.end(),
            [](const AddressRange& a, const AddressRange& b) { return a.start < b.start; });

  CapturedMemory memory;
  for (const AddressRange& range : ram) {
    const PfnRange pfns{round_up(range.start, kPageSize) / kPageSize, range.end() / kPageSize};
    if (pfns.first < pfns.end) memory.ram.push_back(pfns);
  }
  if (image.size > 0) {
    memory.kernel_image.push_back({image.start / kPageSize, round_up(image.end(), kPageSize) / kPageSize});
  }
  return memory;
}

}  // namespace warmdump
