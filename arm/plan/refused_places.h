// Where no region may lie, and why.

#pragma once

#include <string>
#include <vector>

#include "arm/machine/address_ranges.h"
#include "arm/machine/machine.h"

namespace warmdump {

enum class RefusalKind {
  occupied,       // something with a fixed place is there
  crash_kernel,   // this boot's reservation; the next boot may find another place for it
  initrd,         // where the boot loader puts it
  not_firmware,   // RAM that the firmware's map does not have as such
  added_later,    // was not there when the kernel started
  hot_pluggable,  // the firmware says that it can be unplugged
  movable,        // the kernel keeps it movable, so that it can be unplugged
  offline,        // taken out of use
  without_node,   // the affinity table does not name a node for it
  too_small,
};

// Its name in JSON: "hot-pluggable".
const char* refusal_name(RefusalKind kind);

struct RefusedPlace {
  AddressRange range;
  std::string reason;
  RefusalKind kind = RefusalKind::occupied;
};

// All of them but too_small, by rule and then by address.
std::vector<RefusedPlace> refused_places(const Machine& machine);

}  // namespace warmdump
