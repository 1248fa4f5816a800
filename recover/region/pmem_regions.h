// PmemRegions: the seam between recovery and the kernel's persistent memory and DAX subsystems. The real one
// is PmemRegionsNdctl; tests use an in-memory twin.
//
// A region made by `memmap=nn!ss` passes through these shapes, each step with one method:
//
//   raw block device  ──convert_to_devdax──►  devdax  ──make_system_ram──►  system RAM, blocks offline
//     ▲ open_raw (from any shape but system RAM)  ▲                            │ online_movable
//     └───────────────────────────────────────────┴──────leave_system_ram──────▼ blocks online, Movable
//
// Every method looks at the system afresh: nothing is remembered between two calls, so that a killed program
// which starts again continues from what the kernel says. docs/PMEM_LIFECYCLE.md tells the whole story.

#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "common/hosted/failure.h"
#include "common/units.h"
#include "recover/region/region_times.h"

namespace warmdump {

inline constexpr int kNoNode = -1;

enum class RegionShape {
  idle,        // no driver serves it: an info block that does not fit, or a driver that is not loaded
  raw,         // block device
  devdax,      // DAX device, bound to device_dax or to nothing
  system_ram,  // bound to kmem: its memory blocks exist, online or not
};

struct PmemRegion {
  std::string name;           // the kernel's, as in /sys/bus/nd/devices: "region0"
  PhysicalAddress start = 0;  // 0 only when unreadable
  ByteCount size = 0;
  int numa_node = kNoNode;
  int target_node = kNoNode;  // node that its memory joins; kmem refuses a region without one
  RegionShape shape = RegionShape::idle;
};

// The memory blocks (units of hot-plug) that the kernel made of a region.
struct MemoryBlocks {
  int count = 0;
  int online = 0;
  bool movable = false;  // every online block lies in ZONE_MOVABLE; false when none is online
  ByteCount block_size = 0;

  bool all_returned() const { return count > 0 && online == count && movable; }
};

class PmemRegions {
 public:
  virtual ~PmemRegions() = default;

  // Every legacy region of the machine in address order; empty when there is none. Loads the driver of legacy
  // regions when the kernel announces a region nobody drives yet.
  // Errors: no_permission (needs root); unsupported (a region, but no driver for it).
  virtual Outcome<std::vector<PmemRegion>> find() = 0;

  // Takes the region from whatever holds it, DAX info block or DAX device, and serves it as a block device
  // without struct pages. Not a byte of the region changes. Returns the path of the block device.
  // Errors: busy (mounted, held open, or in use as system RAM); io. On failure the region may be left idle.
  virtual Outcome<std::filesystem::path> open_raw(const PmemRegion& region) = 0;

  // Makes a devdax device whose struct pages lie in ordinary RAM (map=mem). Overwrites [0, 8 KiB) with zeros
  // and the DAX info block, nothing else. No block device of the region may be open.
  // Errors: busy; unsupported (kernel without devdax); io. On failure the region is idle or raw.
  virtual Outcome<void> convert_to_devdax(const PmemRegion& region) = 0;

  // Whether the region can become system RAM at all, as far as that can be told without changing anything.
  // Errors: unsupported (kernel without memory hot-plug; no NUMA node; no whole memory block in it).
  virtual Outcome<void> check_returnable(const PmemRegion& region) = 0;

  // Binds the devdax device to kmem: its whole memory blocks become System RAM and, as far as the kernel
  // allows to say so beforehand, come online as Movable at once. Nothing to do when already bound.
  // Errors: unsupported (no target node, no kmem module); refused (struct pages would lie in the region);
  // busy (another driver is faster each time); io. On failure the region is devdax.
  virtual Outcome<void> make_system_ram(const PmemRegion& region) = 0;

  // Brings every block online in ZONE_MOVABLE, while others may do what they like with them, for a few
  // seconds: see bring_online_movable(). Success says nothing for long: ask memory_blocks().
  virtual Outcome<void> online_movable(const PmemRegion& region) = 0;

  // Takes every block offline within limit_ms and lets kmem go of the device: the memory is gone from the
  // system, the region is devdax. Not one byte of [0, 2 MiB) changes.
  // Errors, system RAM as before: timed_out and busy (a block cannot be taken offline; names it and says
  // why); io. Busy too when the kernel keeps a block until the next boot: then it is system RAM without a
  // driver.
  virtual Outcome<void> leave_system_ram(const PmemRegion& region, std::uint64_t limit_ms) = 0;

  // Errors: not_found when the region is not system RAM.
  virtual Outcome<MemoryBlocks> memory_blocks(const PmemRegion& region) = 0;

  // MemTotal of /proc/meminfo in bytes, 0 when unreadable.
  virtual ByteCount memory_total() = 0;

  // Of all calls so far.
  virtual RegionTimes times() const { return {}; }
};

// The region a user means by `name`: "regionN", "pmemN" or a path ending so; any when `name` is empty and
// there is only one. Errors: not_found (none at all, or none of that name); invalid (several, name one).
Outcome<PmemRegion> choose_region(const std::vector<PmemRegion>& regions, const std::string& name);

}  // namespace warmdump
