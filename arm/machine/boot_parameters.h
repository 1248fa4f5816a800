// What the boot loader handed to the kernel: struct boot_params (Linux Documentation/arch/x86/zero-page.rst).

#pragma once

#include <optional>
#include <string_view>

#include "arm/machine/memory_map.h"

namespace warmdump {

// Where the boot loader put the initrd; size 0 when there was none. Empty when `boot_parameters`, the bytes
// of /sys/kernel/boot_params/data, are too short to tell.
std::optional<AddressRange> initrd_range(std::string_view boot_parameters);

}  // namespace warmdump
