// `warmdump release`: giving back by hand a region that recovery has left alone.

#pragma once

#include "common/hosted/failure.h"
#include "recover/recover_events.h"
#include "recover/region/pmem_regions.h"
#include "recover/region/return_region.h"

namespace warmdump {

// return_region(), but never over a dump: the region is looked at first.
// Errors: refused when a dump is on it, saved or not, or when it has no header, and so nobody has looked
// whether there is a dump; unsupported when a newer version wrote the header; busy when the disk is in use;
// those of return_region().
Outcome<RegionReturn> release_region(PmemRegions& regions, const PmemRegion& region, RecoverEvents& events);

}  // namespace warmdump
