// PageLayout: how this kernel's struct page is to be read, taken only from the keys VMCOREINFO offers, never
// from a version number (distributions backport). Runs in the crash kernel: no heap, no exceptions.
//
// To add a layout of a newer kernel: a new alternative, newest first, chosen by the presence of its key, and
// a recipe in tests/recipes taken from a real VMCOREINFO text of that kernel.

#pragma once

#include <cstdint>

#include "common/kernel/vmcoreinfo.h"
#include "common/result.h"

namespace warmdump {

// Larger than any compound page or free block Linux makes (1 GiB is order 18, 16 GiB order 22).
inline constexpr unsigned kCompoundOrderMax = 24;

// A value of page._mapcount that says what a page is (buddy, slab ...), as include/linux/page-flags.h stores
// it:
//   before 6.11  one bit missing below 0xf0000000: the whole word counts
//   6.11         one bit missing in the upper half; the lower 16 bits may carry the owner's data
//   from 6.12    the type is the top byte (0xf0 ... 0xfe); the lower 24 bits may carry the owner's data
class PageType {
 public:
  PageType() = default;
  // `key_value` as VMCOREINFO's PAGE_*_MAPCOUNT_VALUE prints it; only its low 32 bits count.
  static PageType from_key(std::int64_t key_value);
  // A type whose value VMCOREINFO does not tell, from that of `buddy`: the bit that is missing before 6.11
  // and in 6.11 (0: none), the upper byte from 6.12 on. Unknown when buddy pages have none of these three
  // values.
  static PageType sibling(const PageType& buddy, std::uint32_t legacy_bit, std::uint32_t bit_6_11,
                          std::uint32_t type_6_12);

  bool matches(std::uint32_t mapcount) const { return mask_ != 0 && (mapcount & mask_) == value_; }
  bool known() const { return mask_ != 0; }

 private:
  std::uint32_t value_ = 0;
  std::uint32_t mask_ = 0;  // 0: this kernel does not have the type
};

struct PageLayout {
  // Where a compound page's order and hugetlb mark are, all but `mapcount` in its second struct page.
  enum class OrderPlace : std::uint8_t {
    byte,        // a byte at order_offset (5.10 ... 6.5), by its key
    flags_byte,  // the low byte of flags (from 6.6), which has no key of its own
  };
  enum class HugetlbPlace : std::uint8_t {
    none,
    destructor,  // byte at destructor_offset equals hugetlb_destructor (5.10 ... 6.5)
    flag,        // bit of flags (6.6 ... 6.8)
    mapcount,    // page type of the head (from 6.9, and stable kernels with that fix)
  };

  ByteCount size = 0;  // of struct page
  std::uint32_t flags_offset = 0;
  std::uint32_t compound_offset = 0;  // bit 0 set: a tail page
  std::uint32_t mapping_offset = 0;   // bit 0 set: anonymous
  std::uint32_t private_offset = 0;   // order of a free block
  std::uint32_t mapcount_offset = 0;

  std::uint64_t lru_mask = 0;
  std::uint64_t private_mask = 0;
  std::uint64_t swapcache_mask = 0;
  std::uint64_t swapbacked_mask = 0;
  std::uint64_t head_mask = 0;
  std::uint64_t hwpoison_mask = 0;  // 0: kernel built without CONFIG_MEMORY_FAILURE
  std::uint64_t slab_mask = 0;      // used only without slab_type

  PageType buddy, offline, hugetlb, slab, unaccepted, table, large_kmalloc;

  OrderPlace order_place = OrderPlace::flags_byte;
  HugetlbPlace hugetlb_place = HugetlbPlace::none;
  std::uint32_t order_offset = 0;
  std::uint32_t destructor_offset = 0;
  std::uint8_t hugetlb_destructor = 0;
  std::uint64_t hugetlb_flag_mask = 0;

  std::uint64_t free_orders = 11;  // LENGTH(zone.free_area): a free block has a smaller order

  // Errors: not_found (a key without which no page can be told from another is missing), corrupt (offsets
  // outside of struct page).
  static Result<PageLayout> from_vmcoreinfo(const Vmcoreinfo& info);
};

inline constexpr ByteCount kStructPageSizeMax = 256;

}  // namespace warmdump
