// Where the region lies, what serves it, and what its header says.

#pragma once

#include <optional>
#include <string>

#include "arm/load/proof.h"
#include "arm/machine/machine_files.h"
#include "arm/machine/memory_map.h"
#include "arm/machine/region_device.h"
#include "arm/status/finding.h"
#include "common/dump_format/dump_format.h"

namespace warmdump {

struct RegionFacts {
  std::string command_line;  // of the running kernel
  Seen<AddressRange> region;
  ByteCount block_size = 0;  // of the machine's memory blocks; 0: the kernel does not tell

  // Seen only with a region.
  Seen<std::optional<RegionDevice>> device;
  Seen<dump_format::RegionHeader> header;  // only of a raw disk

  std::string auto_online_policy;  // of memory that is added; empty where the kernel has none
};

RegionFacts gather_region_facts(const MachineFiles& files, const ProofFacts& proof);

// How many bytes of `region` can become memory of the system again: whole blocks behind its first 2 MiB.
ByteCount returnable_size(const AddressRange& region, ByteCount block_size);

}  // namespace warmdump
