// Which region the running kernel has, and whether it is beyond doubt the one its command line asked for.

#pragma once

#include <optional>
#include <string_view>

#include "arm/machine/memory_map.h"
#include "common/hosted/failure.h"

namespace warmdump {

// The region to dump into. `wanted` chooses among several; without it there must be exactly one.
//
// Refused (ErrorCode::refused): several regions and no choice; a region that the command line does not have
// exactly so, since the kernel then cut or joined it and the crash kernel's would be another. not_found:
// there is no such region. no_space: too small for a dump.
Outcome<AddressRange> find_active_region(const MemoryMap& map, std::string_view command_line,
                                         const std::optional<AddressRange>& wanted);

// The same by the command line alone, for an image that is only built: nothing is proved by it.
Outcome<AddressRange> find_region_of_command_line(std::string_view command_line,
                                                  const std::optional<AddressRange>& wanted);

}  // namespace warmdump
