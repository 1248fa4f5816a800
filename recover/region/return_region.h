// Giving a region back to the system: raw ► devdax ► system RAM ► every block online and Movable.
//
// Movable, because the next crash overwrites these pages: no kernel memory may live there. Anything less than
// all blocks Movable is a failure that says which agent may have interfered, and it is undone.

#pragma once

#include <cstdint>

#include "common/hosted/failure.h"
#include "recover/recover_events.h"
#include "recover/region/pmem_regions.h"

namespace warmdump {

struct RegionReturn {
  bool was_returned = false;  // before this run; nothing was changed
  MemoryBlocks blocks;
  ByteCount bytes = 0;  // returned: blocks.count * blocks.block_size
  ByteCount memory_total_before = 0;
  ByteCount memory_total_after = 0;
  std::uint64_t devdax_ms = 0;  // parts of elapsed_ms
  std::uint64_t kmem_ms = 0;
  std::uint64_t online_ms = 0;
  std::uint64_t elapsed_ms = 0;
};

// No block device of the region may be open, and no dump may be on it: [0, 8 KiB) and [2 MiB, end) are
// overwritten sooner or later. Continues where an interrupted run stopped; when another agent has brought all
// blocks online as Movable there is nothing to do.
// Errors: those of PmemRegions; refused when blocks are online but not all of them Movable. Then the region
// is a raw disk again, its header intact: the next crash can be captured, and the next try begins from the
// start. Where even that is impossible, because a block cannot be taken offline, it stays memory. The message
// says which.
Outcome<RegionReturn> return_region(PmemRegions& regions, const PmemRegion& region, RecoverEvents& events);

}  // namespace warmdump
