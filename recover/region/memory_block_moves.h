// Bringing memory blocks online in ZONE_MOVABLE and taking them offline, while other agents (the kernel's own
// policy, udev, daxctl, people) may do the same: whoever was faster is no error, and whoever undoes it is
// tried again, until a time limit.

#pragma once

#include "common/hosted/failure.h"
#include "recover/region/memory_block_table.h"

namespace warmdump {

struct BlockRange {
  PhysicalAddress start = 0;
  ByteCount size = 0;
};

// Until every block of the range is online in ZONE_MOVABLE. Blocks that somebody brought online in another
// zone are taken offline first. Nothing to do when all are Movable already.
// Errors, each naming the first block that resists, its zone and the kernel's reason: not_found (no block
// there); refused (online in another zone, or brought there again and again). Blocks that could be moved are
// Movable then.
Outcome<void> bring_online_movable(MemoryBlockTable& table, const BlockRange& range, std::uint64_t limit_ms);

// Until every block of the range is offline. Nothing to do when there is no block.
// Errors, naming the block and why: timed_out (pages could not be moved away in time; may work later), busy
// (it is in a zone whose pages need not be movable). Blocks that this call took offline are brought online
// again as Movable, the others are as they were.
Outcome<void> take_offline(MemoryBlockTable& table, const BlockRange& range, std::uint64_t limit_ms);

}  // namespace warmdump
