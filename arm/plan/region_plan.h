// Chooses where the region lies: pure arithmetic over what is known of a machine.
//
// With memory blocks of B bytes the region starts at X*B - 2 MiB and is k*B + 2 MiB long. The kernel gives
// whole memory blocks back as RAM, and keeps the first 2 MiB of the region for itself; so k*B bytes come back
// and 2 MiB are the whole price. With start and size at multiples of B a whole block would be lost.
//
// The steps: boot_ram.h (what is RAM), refused_places.h (where not), placement.h (where best).

#pragma once

#include <optional>
#include <string>
#include <vector>

#include "arm/machine/machine.h"
#include "arm/plan/boot_ram.h"
#include "arm/plan/refused_places.h"
#include "common/hosted/failure.h"
#include "common/units.h"

namespace warmdump {

// Room kept for the system while the region is not RAM: early boot and the crash kernel. Fixed by the
// smallest machine that is worth it: 512 MiB with a region of one block of 128 MiB.
inline constexpr ByteCount kSystemRamMin = 320 * kMiB;

struct PlanRequest {
  Machine machine;
  // Bytes wanted for the region, rounded up to k*B + 2 MiB. None: 1/16 of RAM, at least 128 MiB and one
  // block, at most half of RAM. Dumps of 4 GiB guests took 0.5 to
  // 1 % of RAM; the rest is margin.
  std::optional<ByteCount> size;
};

struct RegionPlan {
  AddressRange region;
  ByteCount block_size = 0;
  ByteCount ram_size = 0;                 // at boot, with the region that exists already
  ByteCount returned_size = 0;            // becomes RAM again after every boot
  ByteCount never_returned = 0;           // kRegionLead
  ByteCount struct_page_size = 0;         // ordinary RAM that describes the returned part: 64 bytes a page
  bool active = false;                    // the running kernel has exactly this region already
  std::optional<unsigned> node;           // NUMA node it comes back on; none: not known
  std::optional<AddressRange> runner_up;  // the best place of the same size that shares nothing with it
  // Both empty where instead_of_options is not.
  std::string running_options;  // for the boot loader: "memmap=514M!0x10fe00000 crashkernel=96M"
  std::string crash_options;    // base of the crash kernel's command line, see crash_command_line.h
  // How to get the region where the kernel has no memmap= for it (arm64); empty where it has.
  std::string instead_of_options;
  std::vector<std::string> reasons;  // why there, a sentence each
  std::vector<std::string> warnings;
  std::vector<std::string> unknown;  // what could not be known of the machine
  std::vector<RefusedPlace> refused;
};

// The region that exists is kept if it is well formed, nothing else is asked for and its place is not one to
// be refused; otherwise the best place (see placement.h) for the size. A size that was not asked for gives
// way to a place above 4 GiB, down to a quarter of it.
//
// ErrorCode::invalid for a size that makes no sense, no_space when no place has room; the message says how
// large the largest possible region is, or what stands in the way of any.
Outcome<RegionPlan> plan_region(const PlanRequest& request);

}  // namespace warmdump
