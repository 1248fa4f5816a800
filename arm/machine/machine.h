// The machine as planning and status see it: everything that decides where a region may lie, read once.
//
// Only the memory map and the size of memory blocks must be there. Of everything else, what is not there is
// unknown, never assumed: it is empty here, `unknown` says so in words, and what depends on it takes the
// cautious side.

#pragma once

#include <optional>
#include <string>
#include <vector>

#include "arm/machine/boot_parameters.h"
#include "arm/machine/firmware_map.h"
#include "arm/machine/machine_files.h"
#include "arm/machine/memory_affinity.h"
#include "arm/machine/memory_blocks.h"
#include "arm/machine/memory_map.h"
#include "arm/machine/memory_options.h"

namespace warmdump {

enum class Architecture { x86_64, arm64, other };
enum class BootFirmware { unknown, bios, efi };
enum class TableState { unknown, absent, present };

struct Machine {
  MemoryMap map;
  ByteCount block_size = 0;
  Architecture architecture = Architecture::x86_64;
  BootFirmware boot_firmware = BootFirmware::unknown;

  std::optional<FirmwareMap> firmware_map;
  std::optional<BootParameters> boot;  // x86 only
  std::optional<std::vector<MemoryBlocks>> blocks;
  std::optional<std::vector<unsigned>> nodes;       // NUMA nodes that are online
  TableState affinity_state = TableState::unknown;  // absent also where the command line has it ignored
  std::vector<AffinityRange> affinity;              // of the SRAT, when present
  std::optional<std::string> command_line;
  MemoryOptions options;      // of the command line
  unsigned plug_devices = 0;  // ACPI memory devices (PNP0C80) in use

  // What could not be read and would have mattered, a sentence each.
  std::vector<std::string> unknown;
};

// Reads the machine from /proc and /sys, or a saved one from a folder that mirrors them (see
// saved_machine.h) or has the files iomem, block_size_bytes, cmdline, lsmem and memmap at its top.
//
// `block_size` goes before what the files say. Fails with the file and how to save it where the memory map
// or the block size is missing, and where a file is there but is not what it should be.
Outcome<Machine> read_machine(const MachineFiles& files, std::optional<ByteCount> block_size = {});

// The kernel's node of all of `range`; none when parts differ or it is not known.
std::optional<unsigned> node_of(const Machine& machine, const AddressRange& range);

// "0-1,3" as the kernel lists CPUs and nodes; none when the text is no such list.
std::optional<std::vector<unsigned>> parse_number_list(std::string_view text);

}  // namespace warmdump
