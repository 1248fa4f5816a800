// Runs of equal values, one byte a page: most of a large machine's memory is long stretches of one kind, and
// what is done a stretch at a time costs nothing. No heap.

#pragma once

#include <cstdint>
#include <cstring>
#include <span>

#include "common/units.h"

namespace warmdump {

// First index behind `from` whose value is not that of `from`; values.size() when there is none.
template <class T>
std::size_t run_end(std::span<const T> values, std::size_t from) {
  static_assert(sizeof(T) == 1);
  const auto byte = static_cast<std::uint8_t>(values[from]);
  const std::uint64_t wanted = byte * 0x0101'0101'0101'0101U;
  std::size_t i = from + 1;
  for (std::uint64_t word; i + sizeof(word) <= values.size(); i += sizeof(word)) {
    std::memcpy(&word, &values[i], sizeof(word));
    if (word != wanted) break;
  }
  while (i < values.size() && static_cast<std::uint8_t>(values[i]) == byte) ++i;
  return i;
}

}  // namespace warmdump
