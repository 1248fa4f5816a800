// What lsmem(1) of util-linux prints about memory blocks, read and written.

#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "arm/machine/memory_blocks.h"

namespace warmdump {

// A listing with the columns RANGE and STATE, and NODE and ZONES where they were asked for, in any order, or
// the same by `lsmem --json`. ErrorCode::corrupt names the line.
Outcome<std::vector<MemoryBlocks>> parse_lsmem(std::string_view text);

// The line "Memory block size: 128M" below a listing; none when it has none.
std::optional<ByteCount> block_size_of_lsmem(std::string_view text);

// A listing as `lsmem -b -o RANGE,SIZE,STATE,BLOCK,NODE,ZONES` prints it; parse_lsmem() reads it back.
std::string print_lsmem(const std::vector<MemoryBlocks>& blocks, ByteCount block_size);

}  // namespace warmdump
