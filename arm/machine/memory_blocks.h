// The memory blocks of the running kernel: the unit in which memory goes online and offline, the zone and
// the node each belongs to.

#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "arm/machine/machine_files.h"
#include "arm/machine/memory_map.h"

namespace warmdump {

// One block, or neighbours that are alike. The kernel has a block where there is any RAM in it.
struct MemoryBlocks {
  AddressRange range;
  bool online = false;
  // Of an online block the zone its pages are in: "DMA32", "Normal", "Movable"; "none" or "None" when it
  // spans several. Empty when it is not known, and of offline blocks.
  std::string zone;
  std::optional<unsigned> node;

  bool operator==(const MemoryBlocks&) const = default;
};

// /sys/devices/system/memory/memoryN/{state,valid_zones,nodeN}, or else /lsmem, a saved listing by lsmem(1).
// By address, alike neighbours joined. None when there is neither. What cannot be understood is
// ErrorCode::corrupt, with file and line.
Outcome<std::optional<std::vector<MemoryBlocks>>> read_memory_blocks(const MachineFiles& files,
                                                                     ByteCount block_size);

// The zone that pages are in, of a list of zones the block could be in: the first.
std::string current_zone(std::string_view zones);

// Joins neighbours that are alike, after sorting by address.
std::vector<MemoryBlocks> joined_blocks(std::vector<MemoryBlocks> blocks);

}  // namespace warmdump
