// Sizes and addresses as people and the kernel's command line write them.

#pragma once

#include <string>
#include <string_view>

#include "common/hosted/failure.h"
#include "common/units.h"

namespace warmdump {

// "512M", "2g", "0x10fe00000", "4096": a number, decimal or with 0x, and at most one of K M G T (binary,
// either case), as the kernel's memparse() reads them. Anything else, and overflow, is ErrorCode::invalid.
Outcome<ByteCount> parse_byte_count(std::string_view text);

// The shortest exact form that parse_byte_count and the kernel read back: "514M", "2G", "4097".
std::string exact_byte_count(ByteCount bytes);

// For people, rounded: "1.5 GiB", "640 KiB", "512 MiB".
std::string readable_byte_count(ByteCount bytes);

}  // namespace warmdump
