// Entries of the boot loader that start Linux without the region: a boot by such a one, often a recovery
// entry, uses the region's memory and destroys a dump that waits in it.

#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "arm/machine/machine_files.h"
#include "arm/machine/memory_map.h"

namespace warmdump {

struct EntryWithoutRegion {
  std::string file;
  unsigned line = 0;  // from 1
};

struct BootEntries {
  unsigned count = 0;  // that start Linux, in the configurations found
  std::vector<EntryWithoutRegion> without_region;
};

// The lines of a grub.cfg ("linux", "linux16", "linuxefi") or of a Boot Loader Specification entry
// ("options"). An entry whose options come from a variable is not judged.
BootEntries boot_entries_in(std::string_view text, const std::string& file, const AddressRange& region);

// Those of GRUB and of /boot/loader/entries or its counterpart on the EFI partition, as far as they can be
// read; a count of 0 says that there was nothing to judge by.
BootEntries find_boot_entries(const MachineFiles& files, const AddressRange& region);

}  // namespace warmdump
