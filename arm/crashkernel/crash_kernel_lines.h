// The reservations for a crash kernel as /proc/iomem lists them, and which of them takes the crash kernel.

#pragma once

#include <optional>
#include <vector>

#include "arm/machine/memory_map.h"

namespace warmdump {

// "Crash kernel", or "Crash kernel (low)" as some arm64 kernels call the lower part.
bool is_crash_kernel_line(const MapEntry& entry);

struct CrashKernelMemory {
  std::vector<AddressRange> ranges;  // all of them, by address

  // The one that kernel and initramfs are loaded into: the highest, both for kexec_file_load(2), which uses
  // crashk_res, and for kexec-tools. The kernel makes a lower part only beside one above it. None without
  // any.
  std::optional<AddressRange> loaded() const;
  // What goes with it for devices that reach low memory only.
  ByteCount low_size() const;
  ByteCount total_size() const;
};

CrashKernelMemory crash_kernel_memory(const MemoryMap& map);

}  // namespace warmdump
