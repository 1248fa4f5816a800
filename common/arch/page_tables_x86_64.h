// Walks the crashed kernel's x86_64 page tables (Intel SDM volume 3, 4.5 "4-level and 5-level paging").
// Runs in the crash kernel: no heap, no exceptions.

#pragma once

#include <cstddef>

#include "common/kernel/physical_memory.h"
#include "common/result.h"
#include "common/units.h"

namespace warmdump {

// Linux maps the kernel image linearly from here up, whatever KASLR does to the rest (__START_KERNEL_map,
// Documentation/arch/x86/x86_64/mm.rst).
inline constexpr VirtualAddress kKernelMapStart = 0xffff'ffff'8000'0000;

class PageTables {
 public:
  // Where a virtual address lies, and how many bytes from there on the same mapping covers.
  struct Mapping {
    PhysicalAddress address = 0;
    ByteCount length = 0;
  };

  // `memory` must outlive this object. `root` is the physical address of the top table. `encryption_mask` is
  // the bit that SME sets in table entries, 0 without it.
  PageTables(PhysicalMemory& memory, PhysicalAddress root, bool five_levels, std::uint64_t encryption_mask);

  // Errors: not_found when nothing is mapped there (with the virtual address), or the error of reading a
  // table.
  Result<Mapping> translate(VirtualAddress address);

  // Fills `target` from virtual address `address`, over as many mappings as it takes.
  Result<void> read(VirtualAddress address, std::span<std::byte> target);

  // Calls visit(pfn) for the top table and for every table that the kernel half reaches down to, but not
  // including, the last level. Unreadable tables are passed over. `visit` returns false to stop.
  template <class Visit>
  void for_each_upper_table(Visit visit);

 private:
  static constexpr int kLevelsMax = 5;
  static constexpr unsigned kWays = 4;
  static constexpr std::size_t kEntries = 512;
  static constexpr ByteCount kTableSize = 4096;

  struct Table {
    PhysicalAddress address = ~PhysicalAddress{0};
    std::uint64_t entries[kEntries];
  };

  int top_level() const { return levels_ - 1; }
  // Table of a level (0 = the last one); stays readable until kWays others of that level were asked for.
  Result<const Table*> table(int level, PhysicalAddress address);
  PhysicalAddress target_of(std::uint64_t entry) const;

  PhysicalMemory& memory_;
  PhysicalAddress root_;
  int levels_;
  std::uint64_t encryption_mask_;
  Table tables_[kLevelsMax][kWays];  // walks of the direct map and of the memory map take turns
  unsigned next_way_ = 0;

  static constexpr std::uint64_t kPresent = 1 << 0;
  static constexpr std::uint64_t kLargePage = 1 << 7;
};

template <class Visit>
void PageTables::for_each_upper_table(Visit visit) {
  // Depth first with an explicit index per level; the kernel half is the upper half of the top table.
  std::size_t index[kLevelsMax] = {};
  PhysicalAddress address[kLevelsMax] = {};
  int level = top_level();
  address[level] = root_;
  index[level] = kEntries / 2;
  if (!visit(root_ / kTableSize)) return;
  while (level <= top_level()) {
    if (index[level] == kEntries) {
      ++level;
      continue;
    }
    const auto here = table(level, address[level]);
    if (!here.has_value()) {
      index[level] = kEntries;
      continue;
    }
    const std::uint64_t entry = (*here)->entries[index[level]++];
    if ((entry & kPresent) == 0 || (entry & kLargePage) != 0) continue;
    const PhysicalAddress child = target_of(entry);
    if (!visit(child / kTableSize)) return;
    if (level == 2) continue;
    --level;
    address[level] = child;
    index[level] = 0;
  }
}

}  // namespace warmdump
