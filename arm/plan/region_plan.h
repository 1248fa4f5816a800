// Chooses where the region lies: pure arithmetic over a memory map.
//
// With memory blocks of B bytes the region starts at X*B - 2 MiB and is k*B + 2 MiB long. The kernel gives
// whole memory blocks back as RAM, and keeps the first 2 MiB of the region for itself; so k*B bytes come back
// and 2 MiB are the whole price. With start and size at multiples of B a whole block would be lost.

#pragma once

#include <optional>
#include <string>
#include <vector>

#include "arm/machine/memory_map.h"
#include "common/hosted/failure.h"
#include "common/units.h"

namespace warmdump {

// The part at the region's start that never becomes RAM.
inline constexpr ByteCount kRegionLead = 2 * kMiB;

// Room kept for the system while the region is not RAM: early boot and the crash kernel. Fixed by the
// smallest machine that is worth it: 512 MiB with a region of one block of 128 MiB.
inline constexpr ByteCount kSystemRamMin = 320 * kMiB;

struct PlanRequest {
  MemoryMap map;
  ByteCount block_size = 0;
  // Bytes wanted for the region, rounded up to k*B + 2 MiB. None: 1/16 of RAM, at least 128 MiB and one
  // block, at most half of RAM. Dumps of 4 GiB guests took 0.5 to
  // 1 % of RAM; the rest is margin.
  std::optional<ByteCount> size;
};

// A place the planner looked at and left, for the user to follow the choice.
struct RefusedPlace {
  AddressRange range;
  std::string reason;
};

struct RegionPlan {
  AddressRange region;
  ByteCount block_size = 0;
  ByteCount ram_size = 0;          // of the machine, with regions that exist already
  ByteCount returned_size = 0;     // becomes RAM again after every boot
  ByteCount never_returned = 0;    // kRegionLead
  ByteCount struct_page_size = 0;  // ordinary RAM that describes the returned part: 64 bytes a page
  bool active = false;             // the running kernel has exactly this region already
  std::string running_options;     // for the boot loader: "memmap=514M!0x10fe00000 crashkernel=96M"
  std::string crash_options;       // base of the crash kernel's command line, see crash_command_line.h
  std::vector<std::string> warnings;
  std::vector<RefusedPlace> refused;
};

// Preference: the region that exists, if it is well formed and nothing else is asked for; then above 4 GiB,
// highest RAM first, with RAM left above the region (512 MiB, where boot loaders put their initrd; else one
// block; else any: without it the kernel knows no NUMA node for the region and will not take it back); then
// the top of RAM; then below 4 GiB in the same order. The last two come with a warning.
//
// ErrorCode::invalid for a size that makes no sense, no_space when no place has room; the message says how
// large the largest possible region is.
Outcome<RegionPlan> plan_region(const PlanRequest& request);

}  // namespace warmdump
