// What the boot loader handed to the kernel on x86: the e820 map of this very boot, the initrd's place.
// Layout: Linux Documentation/arch/x86/boot.rst and zero-page.rst.

#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "arm/machine/memory_map.h"
#include "common/hosted/failure.h"

namespace warmdump {

struct BootParameters {
  // RAM at boot, by address. Memory that was plugged in later is not here.
  std::vector<AddressRange> ram;
  // Whether `ram` is all of it: of more than 128 entries the rest is elsewhere.
  bool ram_complete = false;
  std::optional<AddressRange> initrd;  // where the boot loader put it
  bool efi = false;
};

// Bytes of /sys/kernel/boot_params/data. ErrorCode::corrupt when they are not that.
Outcome<BootParameters> parse_boot_parameters(std::string_view bytes);

}  // namespace warmdump
