// What the words of /proc/kpageflags say of a page, in the classes of the dump. Pure.
//
// The rules and their order are those of PageClassifier (common/kernel/page_classifier.h), so that the two
// count the same. The bits are the kernel's interface to programs (include/uapi/linux/kernel-page-flags.h and
// Documentation/admin-guide/mm/pagemap.rst); 32 and above are its own, but have stayed where they are. Pages
// on the free lists of a CPU have no flag: they are `kernel` here, and so they are in the dump.

#pragma once

#include <cstdint>
#include <span>

#include "common/dump_format/dump_format.h"

namespace warmdump {

using dump_format::PageClass;

enum class PageFlag : unsigned {
  lru = 5,
  slab = 7,
  buddy = 10,
  anonymous = 12,
  swapcache = 13,
  swapbacked = 14,
  compound_head = 15,
  compound_tail = 16,
  hugetlb = 17,
  hwpoison = 19,
  no_page = 20,
  offline = 23,
  page_table = 26,
  reserved = 32,
  private_data = 35,
};

constexpr std::uint64_t flag_bit(PageFlag flag) {
  return std::uint64_t{1} << static_cast<unsigned>(flag);
}

// Classes of consecutive pages. `struct_page` is what the kernel reserved at boot: struct pages, and the
// little that boots with them; flags do not tell the two apart. A tail without its head in `flags` counts by
// its own flags, which lack the LRU bit before 6.9: page cache may then be taken for `kernel`, up to the
// first head.
void classify_flags(std::span<const std::uint64_t> flags, std::span<PageClass> classes);

}  // namespace warmdump
