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

  // One entry that maps memory: a page of 4 KiB, 2 MiB or 1 GiB.
  struct Leaf {
    VirtualAddress virtual_address = 0;
    PhysicalAddress address = 0;
    ByteCount size = 0;
    bool writable = false;  // allowed by the entries of all levels
    bool executable = false;
  };
  enum class Depth { upper_tables, leaves };

  // Walks the mappings of [first, last], both inclusive. Calls visit_table(pfn, level) for every table below
  // the top one, level 0 being the last, and with Depth::leaves visit_leaf(Leaf); Depth::upper_tables does
  // not read the tables of the last level. Unreadable tables are passed over. Ends early when visit_table
  // returns false, and after reading kTablesMax tables: those of a crashed kernel may go in circles.
  template <class VisitTable, class VisitLeaf>
  void walk(VirtualAddress first, VirtualAddress last, Depth depth, VisitTable visit_table,
            VisitLeaf visit_leaf);
  static constexpr unsigned kTablesMax = 65536;

  PhysicalAddress root() const { return root_; }
  // Where the upper half of the address space begins.
  VirtualAddress kernel_half() const { return ~VirtualAddress{0} << (level_shift(levels_) - 1); }

 private:
  static constexpr int kLevelsMax = 5;
  static constexpr unsigned kWays = 4;
  static constexpr int kPageBits = 12;
  static constexpr int kTableBits = 9;
  static constexpr std::size_t kEntries = 512;

  struct Table {
    PhysicalAddress address = ~PhysicalAddress{0};
    std::uint64_t entries[kEntries];
  };

  int top_level() const { return levels_ - 1; }
  static constexpr int level_shift(int level) { return kPageBits + kTableBits * level; }
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
  static constexpr std::uint64_t kWritable = 1 << 1;
  static constexpr std::uint64_t kLargePage = 1 << 7;
  static constexpr std::uint64_t kNoExecute = std::uint64_t{1} << 63;
};

template <class VisitTable, class VisitLeaf>
void PageTables::walk(VirtualAddress first, VirtualAddress last, Depth depth, VisitTable visit_table,
                      VisitLeaf visit_leaf) {
  unsigned tables_left = kTablesMax;
  for (VirtualAddress at = first; at <= last;) {
    PhysicalAddress table_address = root_;
    bool writable = true;
    bool executable = true;
    ByteCount step = 0;
    for (int level = top_level();; --level) {
      const auto here = table(level, table_address);
      step = ByteCount{1} << level_shift(here.has_value() ? level : level + 1);
      if (!here.has_value()) break;
      const std::uint64_t entry = (*here)->entries[(at >> level_shift(level)) % kEntries];
      if ((entry & kPresent) == 0) break;
      writable = writable && (entry & kWritable) != 0;
      executable = executable && (entry & kNoExecute) == 0;
      if (level == 0 || (level <= 2 && (entry & kLargePage) != 0)) {
        visit_leaf(
            Leaf{round_down(at, step), round_down(target_of(entry), step), step, writable, executable});
        break;
      }
      table_address = target_of(entry);
      const bool is_read = level > 1 || depth == Depth::leaves;
      if (at == first || at % step == 0) {
        if (is_read && tables_left-- == 0) return;
        if (!visit_table(table_address >> kPageBits, level - 1)) return;
      }
      if (!is_read) break;
    }
    const VirtualAddress next = round_down(at, step) + step;
    if (next <= at) return;
    at = next;
  }
}

}  // namespace warmdump
