// The pattern that a retention test leaves in the region: every word depends on its place and on the test, so
// that neither an older pattern nor a shifted copy is taken for it.
//
// It fills [8 KiB, end - 1 MiB) but for the two copies of the header, which stay what they are: the region is
// still ours, still without a dump, and a crash in between finds it ready.

#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "common/units.h"

namespace warmdump {

// `offset`: of the bytes in the region, a multiple of 8; so is their number.
void make_retention_pattern(std::uint64_t seed, ByteCount offset, std::span<std::byte> bytes);

// Offset behind the last page of the pattern. `region_size`: at least kRegionSizeMin.
ByteCount retention_pattern_end(ByteCount region_size);

// Whether the page at `offset`, a multiple of kPageSize, is one of the pattern.
bool is_retention_page(ByteCount region_size, ByteCount offset);

}  // namespace warmdump
