#include "arm/crashkernel/crash_kernel_lines.h"

#include <algorithm>

namespace warmdump {

bool is_crash_kernel_line(const MapEntry& entry) {
  return entry.name == "Crash kernel" || entry.name == "Crash kernel (low)";
}

std::optional<AddressRange> CrashKernelMemory::loaded() const {
  if (ranges.empty()) return std::nullopt;
  return ranges.back();
}

ByteCount CrashKernelMemory::low_size() const {
  return ranges.empty() ? 0 : total_size() - ranges.back().size;
}

ByteCount CrashKernelMemory::total_size() const {
  ByteCount sum = 0;
  for (const AddressRange& range : ranges) sum += range.size;
  return sum;
}

CrashKernelMemory crash_kernel_memory(const MemoryMap& map) {
  CrashKernelMemory memory;
  for (const MapEntry& entry : map.entries) {
    if (is_crash_kernel_line(entry)) memory.ranges.push_back(entry.range);
  }
  std::sort(memory.ranges.begin(), memory.ranges.end(),
            [](const AddressRange& a, const AddressRange& b) { return a.start < b.start; });
  return memory;
}

}  // namespace warmdump
