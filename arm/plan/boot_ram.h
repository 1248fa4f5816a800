// The RAM a machine has when its kernel starts, in pieces that a region must not leave.

#pragma once

#include <optional>

#include "arm/machine/address_ranges.h"
#include "arm/machine/machine.h"

namespace warmdump {

// The part at a region's start that never becomes RAM: the data of a DAX device begins there.
inline constexpr ByteCount kRegionLead = 2 * kMiB;

// Whether all of the region but kRegionLead is whole memory blocks.
bool well_formed(const AddressRange& region, ByteCount block_size);

// The region of the running kernel that the plan may keep or put another in the place of: the only one, or
// of several the only well-formed one. Regions that touch each other are pieces of one that the kernel cut;
// what they lie on need not be RAM.
std::optional<AddressRange> own_region(const Machine& machine);

// RAM by address: System RAM of /proc/iomem, own_region() as the RAM it came from, all of it cut at the
// borders of the firmware's entries and where /proc/iomem cuts it: the kernel makes pieces of a region that
// lies across such a border. Memory that was added after boot is not in it.
AddressRanges boot_ram(const Machine& machine);

// RAM of /proc/iomem that the boot loader's map did not have: plugged in later, or made by memmap=size@start.
// None when the map of boot is not known.
AddressRanges added_after_boot(const Machine& machine);

// Whether the kernel takes nodes from the affinity table: not when it leaves out a MiB of RAM or more
// (Linux: numa_meminfo_cover_memory(), later memblock_validate_numa_coverage()).
bool affinity_in_use(const Machine& machine);

}  // namespace warmdump
