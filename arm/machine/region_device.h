// What the running kernel has made of the region: which driver serves it, and who uses it.

#pragma once

#include <optional>
#include <string>
#include <vector>

#include "arm/machine/machine_files.h"
#include "arm/machine/memory_map.h"
#include "common/hosted/failure.h"

namespace warmdump {

enum class RegionUse {
  idle,        // no driver serves it
  raw_disk,    // a disk /dev/pmemN without a claim on it
  claimed,     // a btt or a file system's pfn device sits on it
  dax_device,  // a DAX device that is not memory of the system
  system_ram,  // memory of the system, by kmem
};

struct RegionDevice {
  std::string provider;    // of its bus: "e820"; "ramdax" is another driver for the same memory
  std::string name_space;  // "namespace0.0"
  RegionUse use = RegionUse::idle;
  bool has_node = false;           // the kernel knows a NUMA node for it; else kmem refuses
  std::string claim;               // "pfn0.0" with claimed, "dax0.0" with a DAX device
  std::string claim_uuid;          // of the DAX device, as sysfs prints it
  std::string disk;                // "pmem0" with raw_disk and claimed
  std::string memmap_on_memory;    // attribute of the DAX device; empty where the kernel has none
  std::vector<std::string> users;  // "mounted on /mnt", "swap space", "held by dm-0"
};

// Nothing when no region of the nvdimm bus is `region`, mostly because its driver is not loaded.
// ErrorCode::no_permission: only root may see where a region lies.
Outcome<std::optional<RegionDevice>> find_region_device(const MachineFiles& files,
                                                        const AddressRange& region);

}  // namespace warmdump
