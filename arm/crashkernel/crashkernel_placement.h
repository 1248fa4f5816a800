// Where the kernel would put the crash kernel's memory, for options it has read and memory as it is at boot.
//
// Source: reserve_crashkernel_generic() of kernel/crash_reserve.c, reserve_crashkernel() of the older
// arch/x86/kernel/setup.c, and memblock's search: from the highest free area down, at the highest aligned
// address in it.

#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "arm/crashkernel/boot_memory.h"
#include "arm/crashkernel/crashkernel_rules.h"
#include "arm/crashkernel/kernel_reading.h"
#include "arm/machine/memory_map.h"

namespace warmdump {

struct CrashkernelPlacement {
  std::optional<AddressRange> range;  // what kexec loads into; none: nothing is reserved
  std::optional<AddressRange> low;    // beside a range above CrashkernelRules::low_end
  // Whether the option names the address. Otherwise it is the kernel's search, and what early boot takes,
  // which no map shows, can push it down in steps of the alignment: `slack` bytes above it may be taken
  // without that.
  bool fixed = false;
  ByteCount slack = 0;
  std::string failure;                  // why nothing is reserved, with what to do
  std::vector<std::string> collisions;  // with memory that may be unplugged
};

CrashkernelPlacement place_crashkernel(const KernelReading& reading, const BootMemory& memory,
                                       const CrashkernelRules& rules);

// "DMA" (the first 16 MiB of x86_64), "DMA32" (up to 4 GiB), "Normal". arm64 has "DMA" up to its limit.
std::string_view zone_of(PhysicalAddress address, const CrashkernelRules& rules);

// The highest `alignment`-aligned range of `size` bytes within [start, end) and one of the free areas; the
// kernel's address 0 means failure, so nothing lies there.
std::optional<AddressRange> highest_free(const std::vector<AddressRange>& free, ByteCount size,
                                         ByteCount alignment, PhysicalAddress start, PhysicalAddress end);

}  // namespace warmdump
