// Which memory belongs to which NUMA domain, and which may be plugged: the ACPI table SRAT.
// Layout: ACPI specification 6.5, section 5.2.16, Memory Affinity Structure.
//
// The kernel gives a region of memmap= its node by this table, even where no RAM is left. Without it the
// kernel knows a node only for addresses below the end of RAM, and refuses to return a region above that.

#pragma once

#include <string_view>
#include <vector>

#include "arm/machine/memory_map.h"
#include "common/hosted/failure.h"

namespace warmdump {

struct AffinityRange {
  AddressRange range;
  unsigned domain = 0;         // the firmware's number, not the kernel's node
  bool hot_pluggable = false;  // may be plugged in and out while the machine runs

  bool operator==(const AffinityRange&) const = default;
};

// The enabled ranges, by address. ErrorCode::corrupt says at which byte of the table.
Outcome<std::vector<AffinityRange>> parse_memory_affinity(std::string_view table);

}  // namespace warmdump
