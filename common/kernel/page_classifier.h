// PageClassifier: what every page was, read from the crashed kernel's struct pages; and which classes a dump
// level keeps. Runs in the crash kernel: no heap, no exceptions.
//
// The rules and their order are those of makedumpfile, so that its dump levels mean the same here.
// Differences, on purpose: broken memory is told for every single page, tails of compound pages included; a
// struct page that cannot be read, or that belongs to memory the system does not use, makes its page
// `unknown` (kept) instead of ending the dump or being believed; a block that is not aligned to its order, or
// whose last page is no tail, has a damaged order and counts page by page.

#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "common/arch/page_tables_x86_64.h"
#include "common/dump_format/dump_format.h"
#include "common/kernel/mem_map.h"
#include "common/kernel/page_layout.h"
#include "common/units.h"

namespace warmdump {

using dump_format::PageClass;

// Bits of a dump level, as makedumpfile numbers them; a set bit leaves pages out.
enum DumpLevel : unsigned {
  kExcludeZero = 1,
  kExcludeCache = 2,
  kExcludePrivateCache = 4,  // and kExcludeCache
  kExcludeUser = 8,
  kExcludeFree = 16,
};
inline constexpr unsigned kDumpLevelMax = 31;

// True when pages of that class belong into a dump of that level.
bool is_kept(PageClass page_class, unsigned dump_level);

class PageClassifier {
 public:
  // Block size of classify(): struct pages of a block fit PhysicalMemory::kViewMax.
  static constexpr Pfn kBlockPfns = 4096;
  // Nothing is carried over multiples of this: the classes of such a stretch depend on it alone, also where
  // struct pages are corrupt.
  static constexpr Pfn kRestartPfns = 32768;

  // All references must outlive this object. Large (a bounce buffer): keep it in static storage.
  PageClassifier(const PageLayout& layout, MemMap& mem_map, PageTables& page_tables, PhysicalMemory& memory);

  // Classifies kBlockPfns pages from `first` (a multiple of kBlockPfns) on. Never fails: what cannot be read
  // is `unknown`. Blocks may come in any order; consecutive ones are fastest.
  void classify(Pfn first, std::span<PageClass, kBlockPfns> classes);

  // Tells broken pages inside of free blocks too, at the cost of looking at all struct pages there. Needed
  // when free pages are to be read: before 5.11 the allocator keeps a page that breaks while it is free.
  void look_into_free_blocks() { looks_into_free_blocks_ = true; }

 private:
  // A struct page in place; `second` is the one behind it, or nullptr.
  struct View {
    const std::byte* first;
    const std::byte* second;
  };
  // The pages from a head on that share its class.
  struct Unit {
    PageClass page_class = PageClass::kernel;
    Pfn page_count = 1;
  };

  // Of memory that is not online: only what is broken.
  void classify_unused(const std::byte* pages, std::span<PageClass> classes);

  // What unit_at() asks of a plain page: neither head nor tail, without a type in _mapcount, not broken.
  // Their classes are looked up, in a table that unit_at() itself has filled. A rule that asks for more of
  // such a page needs a bit here, or special_flags_ to leave such pages out.
  enum Trait : unsigned {
    kLru = 1,
    kPrivate = 2,
    kSwapcache = 4,
    kSwapbacked = 8,
    kSlab = 16,
    kAnonymous = 32,
    kTraitsEnd = 64,
  };

  void fill_plain_classes();
  unsigned traits_of(std::uint64_t flags, std::uint64_t mapping) const;
  // Classifies plain pages up to the first that is not, and returns how many.
  std::size_t classify_plain(const std::byte* pages, std::span<PageClass> classes) const;
  void classify_readable(Pfn first, const std::byte* pages, std::span<PageClass> classes);
  Unit unit_at(Pfn pfn, View page) const;
  unsigned compound_order(Pfn pfn, View page) const;
  bool is_hugetlb(View page) const;
  bool is_slab(std::uint64_t flags, std::uint32_t mapcount) const;
  bool is_tail(const std::byte* page) const;
  bool is_poisoned(const std::byte* page) const;
  // For a tail whose head was not just seen: the unit it belongs to, cut to begin at `pfn`.
  Unit unit_of_tail(Pfn pfn);
  const std::byte* gather(VirtualAddress address, std::span<PageClass, kBlockPfns> classes);

  const PageLayout& layout_;
  MemMap& mem_map_;
  PageTables& page_tables_;
  PhysicalMemory& memory_;
  bool looks_into_free_blocks_ = false;
  PageClass plain_classes_[kTraitsEnd];
  std::uint64_t special_flags_;                // a page with one of them is not plain
  Pfn next_first_ = 0;                         // block that would continue the last one
  Pfn carry_end_ = 0;                          // pages below belong to the unit last seen ...
  PageClass carry_class_ = PageClass::kernel;  // ... and have its class
  alignas(8) std::byte bounce_[kBlockPfns * kStructPageSizeMax];
};

}  // namespace warmdump
