// MemMap: from a pfn to the virtual address of its struct page, for SPARSEMEM kernels with and without
// VMEMMAP (include/linux/mmzone.h). Runs in the crash kernel: no heap, no exceptions.

#pragma once

#include <algorithm>
#include <cstddef>
#include <span>

#include "common/arch/page_tables_x86_64.h"
#include "common/kernel/vmcoreinfo.h"
#include "common/result.h"
#include "common/units.h"

namespace warmdump {

class MemMap {
 public:
  // `page_tables` must outlive this object. `struct_page_size` in bytes.
  // Errors: not_found (a key is missing), corrupt (keys contradict each other).
  static Result<MemMap> from_vmcoreinfo(const Vmcoreinfo& info, PageTables& page_tables,
                                        ByteCount struct_page_size);

  // Address of the struct page of `pfn`; that of pfn + 1 follows within the same section.
  // Errors: not_found (no memory map for that section), or the error of reading the section.
  Result<VirtualAddress> page_address(Pfn pfn);

  // False for memory that is plugged in but not in use by the system: what its struct pages say then is left
  // over from something else, or was never written. True where the kernel does not tell.
  bool is_online(Pfn pfn);

  Pfn pages_per_section() const { return Pfn{1} << section_pfn_bits_; }

  // Where the section tables lie, for keeping them in every dump: calls visit(address, length) with virtual
  // addresses of the root array and of every root.
  template <class Visit>
  void for_each_table(Visit visit) {
    visit(roots_, root_count_ * (is_extreme_ ? sizeof(VirtualAddress) : section_size_));
    if (!is_extreme_) return;
    // With five levels of page tables there are 131072 roots, all but a few of them empty.
    VirtualAddress roots[kRootsPerRead];
    for (std::uint64_t first = 0; first < root_count_; first += kRootsPerRead) {
      const auto some = std::span(roots).first(std::min(kRootsPerRead, root_count_ - first));
      if (!page_tables_->read(roots_ + first * sizeof(VirtualAddress), std::as_writable_bytes(some))
               .has_value())
        continue;
      for (const VirtualAddress root : some) {
        if (root != 0) visit(root, kRootSize);
      }
    }
  }

 private:
  static constexpr ByteCount kRootSize = 4096;
  static constexpr std::uint64_t kRootsPerRead = 512;

  explicit MemMap(PageTables& page_tables) : page_tables_(&page_tables) {}
  Result<VirtualAddress> root_address(std::uint64_t root);
  Result<std::uint64_t> coded_map(std::uint64_t section);
  Result<void> load_section(Pfn pfn);

  PageTables* page_tables_;
  VirtualAddress roots_ = 0;
  std::uint64_t root_count_ = 0;
  std::uint64_t sections_per_root_ = 1;
  ByteCount section_size_ = 0;  // of struct mem_section
  ByteCount map_offset_ = 0;    // of mem_section.section_mem_map
  ByteCount struct_page_size_ = 0;
  unsigned section_pfn_bits_ = 0;
  std::uint64_t cached_section_ = ~std::uint64_t{0};  // section that cached_map_ is the coded map of
  std::uint64_t cached_map_ = 0;
  bool is_extreme_ = false;  // CONFIG_SPARSEMEM_EXTREME: roots are pointers
  bool online_is_told_ = false;
};

}  // namespace warmdump
