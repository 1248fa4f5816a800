// Which memory of the running system a capture would find in /proc/vmcore. Pure.

#pragma once

#include <vector>

#include "arm/machine/memory_map.h"
#include "common/units.h"

namespace warmdump {

struct CapturedMemory {
  // In order, not overlapping. All System RAM but the first MiB, what crashkernel= set apart, and regions:
  // neither does the capture read those, nor may anybody ask /proc/kpageflags for PMEM on every kernel.
  std::vector<PfnRange> ram;
  std::vector<PfnRange> kernel_image;  // from its first to its last section, as the capture keeps it
};

CapturedMemory captured_memory(const MemoryMap& map);

}  // namespace warmdump
