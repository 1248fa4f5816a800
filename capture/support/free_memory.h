// How much memory of the machine is free, for the region header. No heap.

#pragma once

#include <optional>

#include "common/dump_format/dump_format.h"
#include "common/units.h"

namespace warmdump {

struct FreeMemory {
  ByteCount total = 0;  // that the kernel gives out, without its own image and struct pages
  ByteCount free = 0;
};

// Empty when the system does not tell.
std::optional<FreeMemory> free_memory();

// Puts the total and the least free memory seen so far into the header.
void note_free_memory(const FreeMemory& memory, dump_format::RegionHeader& header);
void note_free_memory(dump_format::RegionHeader& header);

}  // namespace warmdump
