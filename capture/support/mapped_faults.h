// What becomes of a page of the vmcore that is mapped and cannot be read: the kernel answers the access with
// SIGBUS (a broken memory cell, a file that became shorter). The page is replaced by zeros in the mapping, so
// that the reader goes on, and counted, so that it knows. No heap.

#pragma once

#include <cstddef>
#include <cstdint>

#include "common/units.h"

namespace warmdump {

// A mapping whose pages may fail, from now until forget_mapping(). At most four at a time; others are not
// repaired.
void watch_mapping(const std::byte* start, ByteCount size);
void forget_mapping(const std::byte* start);

// Pages replaced so far. Who reads a mapping compares the count before and after.
std::uint64_t mapped_fault_count();

// For a handler of SIGBUS, with its si_addr: replaces the page of a watched mapping. False: not one of those.
bool repair_mapped_fault(void* address);

// Handles SIGBUS in watched mappings; any other one ends the program as it would have.
void handle_mapped_faults();

}  // namespace warmdump
