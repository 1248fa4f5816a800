// The unit in which the capture goes through memory: classes, selections and class maps are made chunk by
// chunk.

#pragma once

#include "common/units.h"

namespace warmdump {

// Pages of a chunk: 128 MiB.
inline constexpr Pfn kChunkPfns = 32768;

constexpr std::uint64_t chunk_of(Pfn pfn) {
  return pfn / kChunkPfns;
}

}  // namespace warmdump
