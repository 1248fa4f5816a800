// May this region be written? Failing is better than overwriting somebody's data. No heap.

#pragma once

#include "common/device.h"
#include "common/dump_format/dump_format.h"
#include "common/result.h"

namespace warmdump {

struct RegionExpectation {
  PhysicalAddress start = 0;      // where the region must say it lies; 0 for a regular file
  bool must_be_formatted = true;  // a block device needs the header recover leaves; a file may be blank
  bool overwrite = false;         // take a region whose dump nobody has recovered
};

// The header to begin a dump with: a fresh dump id, everything of the last dump cleared.
// Errors: refused (no header of ours, foreign content, moved region), busy (an unrecovered dump lies there;
// the attempt is counted in its header), corrupt, unsupported, no_space, io.
Result<dump_format::RegionHeader> check_region(Device& region, const RegionExpectation& expectation);

}  // namespace warmdump
