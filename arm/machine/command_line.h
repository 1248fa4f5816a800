// The kernel command line of the running system, as warmdump reads it.

#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "arm/machine/memory_map.h"
#include "common/hosted/failure.h"

namespace warmdump {

// "514M!0x10fe00000", the value of memmap=.
std::string memmap_value(const AddressRange& region);

// Every region that memmap=size!start options of a command line make, in order; other memmap= forms are
// skipped. A `!` item that is not size!start is ErrorCode::invalid: the kernel would have ignored it.
Outcome<std::vector<AddressRange>> regions_of_command_line(std::string_view command_line);

// Options as the kernel splits them: at blanks outside double quotes, up to a lone "--".
std::vector<std::string_view> command_line_options(std::string_view command_line);

}  // namespace warmdump
