// What recovery asks of the header of a region, and does to it, beside reading and writing it (wipe.h).

#pragma once

#include "common/device.h"
#include "common/dump_format/dump_format.h"
#include "common/dump_format/dump_state.h"
#include "common/hosted/failure.h"
#include "recover/dump_extractor.h"

namespace warmdump {

dump_format::State state_of(const dump_format::RegionHeader& header);

// False for what a newer version may have written.
bool is_known_state(dump_format::State state);

// What frames carry of its dump id.
FrameDumpId frame_dump_id(const dump_format::RegionHeader& header);

// Cheap look for a dump whose header is gone without a trace. Errors: those of the region.
Outcome<bool> has_frame_at_start(const Device& region);

// Writes `header` with the state `next`. Errors: invalid (a region may not go there), those of the region.
Outcome<void> advance_region(Device& region, dump_format::RegionHeader& header, dump_format::State next);

}  // namespace warmdump
