// Units used all over warmdump. The aliases are for the reader: a parameter says what it counts.

#pragma once

#include <cstdint>

namespace warmdump {

using Pfn = std::uint64_t;              // physical page frame number: physical address / page size
using PageCount = std::uint64_t;        // number of pages
using ByteCount = std::uint64_t;        // number of bytes
using PhysicalAddress = std::uint64_t;  // address in the crashed machine's physical memory
using VirtualAddress = std::uint64_t;   // address in the crashed kernel's page tables

// Of the crashed machine: x86_64 knows no other, and no dump does so far.
inline constexpr ByteCount kPageSize = 4096;

struct PfnRange {
  Pfn first = 0;
  Pfn end = 0;  // exclusive

  PageCount count() const { return end - first; }
};

inline constexpr ByteCount kKiB = 1024;
inline constexpr ByteCount kMiB = 1024 * kKiB;
inline constexpr ByteCount kGiB = 1024 * kMiB;

constexpr std::uint64_t round_down(std::uint64_t value, std::uint64_t multiple) {
  return value - value % multiple;
}

// Wraps to a small number when the result does not fit 64 bits; callers check untrusted input first.
constexpr std::uint64_t round_up(std::uint64_t value, std::uint64_t multiple) {
  return round_down(value + multiple - 1, multiple);
}

}  // namespace warmdump
