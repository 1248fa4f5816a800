#include "arm/estimate/page_flags.h"

#include <cstddef>

namespace warmdump {
namespace {

PageClass class_of(std::uint64_t flags) {
  const auto has = [flags](PageFlag flag) { return (flags & flag_bit(flag)) != 0; };
  if (has(PageFlag::no_page)) return PageClass::unknown;
  if (has(PageFlag::hwpoison)) return PageClass::hwpoison;
  const bool slab = has(PageFlag::slab);
  if (!slab && has(PageFlag::buddy)) return PageClass::free;
  const bool anonymous = has(PageFlag::anonymous) && !slab;
  const bool cache = has(PageFlag::lru) || (has(PageFlag::swapbacked) && has(PageFlag::swapcache));
  if (cache && !anonymous) return has(PageFlag::private_data) ? PageClass::private_cache : PageClass::cache;
  if (has(PageFlag::hugetlb)) return PageClass::hugetlb;
  if (anonymous) return PageClass::user;
  if (!slab && has(PageFlag::offline)) return PageClass::offline;
  if (slab) return PageClass::slab;
  if (has(PageFlag::page_table)) return PageClass::page_table;
  return has(PageFlag::reserved) ? PageClass::struct_page : PageClass::kernel;
}

}  // namespace

void classify_flags(std::span<const std::uint64_t> flags, std::span<PageClass> classes) {
  PageClass head = PageClass::unknown;
  bool has_head = false;
  for (std::size_t i = 0; i < flags.size(); ++i) {
    const bool is_tail = (flags[i] & flag_bit(PageFlag::compound_tail)) != 0;
    const bool is_broken = (flags[i] & flag_bit(PageFlag::hwpoison)) != 0;
    classes[i] = is_tail && has_head && !is_broken ? head : class_of(flags[i]);
    const bool is_head = (flags[i] & flag_bit(PageFlag::compound_head)) != 0;
    if (is_head) head = classes[i];
    has_head = is_head || (has_head && is_tail);
  }
}

}  // namespace warmdump
