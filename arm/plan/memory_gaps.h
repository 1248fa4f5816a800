// Where in a memory map a region could lie: RAM that nothing with a fixed place occupies.

#pragma once

#include <vector>

#include "arm/machine/memory_map.h"
#include "arm/plan/region_plan.h"

namespace warmdump {

// All RAM of the machine, by address, neighbours joined. Regions made by memmap= count as the RAM they came
// from; RAM added later by kmem lies inside those. Regions that touch each other do not count: the kernel
// cuts a region where the firmware's map changes, so parts of it need not be RAM at all.
std::vector<AddressRange> ram_ranges(const MemoryMap& map);

// Whether `region` is one piece of a cut region: it touches another of `regions`.
bool is_piece(const AddressRange& region, const std::vector<AddressRange>& regions);

// `ram` without everything listed inside it: kernel image, crash kernel, reservations. What was taken out is
// added to `refused`. The first 16 MiB are left out as well: too much wants to be there.
std::vector<AddressRange> free_gaps(const MemoryMap& map, const std::vector<AddressRange>& ram,
                                    std::vector<RefusedPlace>& refused);

}  // namespace warmdump
