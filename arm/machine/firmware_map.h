// The memory map that the firmware gave to the kernel, before any option of the command line changed it.
//
// The kernel makes it of the e820 table before it reads memmap= and mem= (arch/x86/kernel/e820.c), so RAM
// that memmap= took away is still "System RAM" here. Memory that was added later in the System RAM name, a
// DIMM plugged in for example, is added to it as well (Linux: firmware_map_add_hotplug()).

#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "arm/machine/machine_files.h"
#include "arm/machine/memory_map.h"

namespace warmdump {

struct FirmwareEntry {
  AddressRange range;
  std::string type;  // as /sys/firmware/memmap has it: "System RAM", "Reserved", "ACPI Tables", ...

  bool operator==(const FirmwareEntry&) const = default;
};

struct FirmwareMap {
  std::vector<FirmwareEntry> entries;  // by address
};

// Entries of RAM, by address; each is one entry of the firmware's map, neighbours are not joined.
std::vector<AddressRange> usable_ranges(const FirmwareMap& map);

// /sys/firmware/memmap/N/{start,end,type}, or else /memmap, a saved list of lines "start-end type", the end
// included. None when there is neither: the kernel was built without it, or it was not saved. A number that
// is none, an entry without one of its files: ErrorCode::corrupt, with the file.
Outcome<std::optional<FirmwareMap>> read_firmware_map(const MachineFiles& files);

// The saved list: "0x100000-0xbffdffff System RAM" a line. ErrorCode::corrupt names the line.
Outcome<FirmwareMap> parse_firmware_map(std::string_view text);

}  // namespace warmdump
