#include "common/kernel/page_classifier.h"

#include <algorithm>
#include <cstring>

namespace warmdump {
namespace {

static_assert(PageClassifier::kBlockPfns * kStructPageSizeMax <= PhysicalMemory::kViewMax);

// _mapcount is below, or ~0, unless it holds a type (include/linux/page-flags.h: types begin at 0x80000000).
constexpr std::uint32_t kMapcountEnd = 0x8000'0000;

// The processor's own prefetching ends with a page of memory: ask for what lies a page ahead. Asking for
// memory behind the last struct page does no harm.
constexpr std::size_t kPrefetchAhead = 4096;

template <class T>
T load(const std::byte* page, std::uint32_t offset) {
  T value;
  std::memcpy(&value, page + offset, sizeof(value));
  return value;
}

// The other units are blocks of the page allocator, whose pages are no tails.
bool is_compound_class(PageClass page_class) {
  return page_class != PageClass::free && page_class != PageClass::unaccepted;
}

bool is_aligned(Pfn pfn, unsigned order) {
  return pfn % (Pfn{1} << order) == 0;
}

}  // namespace

bool is_kept(PageClass page_class, unsigned dump_level) {
  switch (page_class) {
    case PageClass::absent:
    case PageClass::hwpoison:
    case PageClass::offline:
    case PageClass::region:
      return false;
    case PageClass::free:
    case PageClass::unaccepted:
      return (dump_level & kExcludeFree) == 0;
    case PageClass::cache:
      return (dump_level & (kExcludeCache | kExcludePrivateCache)) == 0;
    case PageClass::private_cache:
      return (dump_level & kExcludePrivateCache) == 0;
    case PageClass::user:
    case PageClass::hugetlb:
      return (dump_level & kExcludeUser) == 0;
    case PageClass::kernel:
    case PageClass::slab:
    case PageClass::page_table:
    case PageClass::struct_page:
    case PageClass::kernel_image:
    case PageClass::unknown:
      return true;
  }
  return true;
}

PageClassifier::PageClassifier(const PageLayout& layout, MemMap& mem_map, PageTables& page_tables,
                               PhysicalMemory& memory)
    : layout_(layout),
      mem_map_(mem_map),
      page_tables_(page_tables),
      memory_(memory),
      // All ones marks a struct page nobody initialised: with no other flag to tell it by, any makes it
      // special.
      special_flags_((layout.head_mask | layout.hwpoison_mask) != 0 ? layout.head_mask | layout.hwpoison_mask
                                                                    : ~std::uint64_t{0}) {
  fill_plain_classes();
}

void PageClassifier::fill_plain_classes() {
  for (unsigned traits = 0; traits < kTraitsEnd; ++traits) {
    const auto mask_if = [traits](Trait trait, std::uint64_t mask) {
      return (traits & trait) != 0 ? mask : 0;
    };
    const std::uint64_t flags = mask_if(kLru, layout_.lru_mask) | mask_if(kPrivate, layout_.private_mask) |
                                mask_if(kSwapcache, layout_.swapcache_mask) |
                                mask_if(kSwapbacked, layout_.swapbacked_mask) |
                                mask_if(kSlab, layout_.slab_mask);
    const std::uint64_t mapping = mask_if(kAnonymous, 1);
    std::byte page[kStructPageSizeMax] = {};
    std::memcpy(page + layout_.flags_offset, &flags, sizeof(flags));
    std::memcpy(page + layout_.mapping_offset, &mapping, sizeof(mapping));
    plain_classes_[traits] = unit_at(0, {page, nullptr}).page_class;
  }
}

unsigned PageClassifier::traits_of(std::uint64_t flags, std::uint64_t mapping) const {
  const auto trait_if = [flags](std::uint64_t mask, Trait trait) -> unsigned {
    return (flags & mask) != 0 ? trait : 0U;
  };
  return trait_if(layout_.lru_mask, kLru) | trait_if(layout_.private_mask, kPrivate) |
         trait_if(layout_.swapcache_mask, kSwapcache) | trait_if(layout_.swapbacked_mask, kSwapbacked) |
         trait_if(layout_.slab_mask, kSlab) | static_cast<unsigned>(mapping & 1) * kAnonymous;
}

std::size_t PageClassifier::classify_plain(const std::byte* pages, std::span<PageClass> classes) const {
  for (std::size_t i = 0; i < classes.size(); ++i) {
    const std::byte* page = pages + i * layout_.size;
    __builtin_prefetch(page + kPrefetchAhead);
    const auto flags = load<std::uint64_t>(page, layout_.flags_offset);
    const auto compound = load<std::uint64_t>(page, layout_.compound_offset);
    const auto mapcount = load<std::uint32_t>(page, layout_.mapcount_offset);
    // Counts are small, and -1 where nothing is mapped; types have the top bit set.
    const bool has_type = mapcount + 1 > kMapcountEnd;
    if (((flags & special_flags_) | (compound & 1)) != 0 || has_type) return i;
    classes[i] = plain_classes_[traits_of(flags, load<std::uint64_t>(page, layout_.mapping_offset))];
  }
  return classes.size();
}

bool PageClassifier::is_tail(const std::byte* page) const {
  return (load<std::uint64_t>(page, layout_.compound_offset) & 1) != 0;
}

bool PageClassifier::is_poisoned(const std::byte* page) const {
  const auto flags = load<std::uint64_t>(page, layout_.flags_offset);
  // All ones is CONFIG_DEBUG_VM's mark of a struct page nobody initialised.
  return (flags & layout_.hwpoison_mask) != 0 && flags != ~std::uint64_t{0};
}

bool PageClassifier::is_slab(std::uint64_t flags, std::uint32_t mapcount) const {
  return layout_.slab.known() ? layout_.slab.matches(mapcount) : (flags & layout_.slab_mask) != 0;
}

unsigned PageClassifier::compound_order(Pfn pfn, View page) const {
  if ((load<std::uint64_t>(page.first, layout_.flags_offset) & layout_.head_mask) == 0) return 0;
  if (page.second == nullptr) return 0;
  unsigned order = 0;
  if (layout_.order_place == PageLayout::OrderPlace::byte) {
    order = load<std::uint8_t>(page.second, layout_.order_offset);
  } else if (layout_.order_place == PageLayout::OrderPlace::flags_byte) {
    order = load<std::uint64_t>(page.second, layout_.flags_offset) & 0xff;
  }
  return order <= kCompoundOrderMax && is_aligned(pfn, order) && is_tail(page.second) ? order : 0;
}

bool PageClassifier::is_hugetlb(View page) const {
  if ((load<std::uint64_t>(page.first, layout_.flags_offset) & layout_.head_mask) == 0) return false;
  switch (layout_.hugetlb_place) {
    case PageLayout::HugetlbPlace::none:
      return false;
    case PageLayout::HugetlbPlace::mapcount:
      return layout_.hugetlb.matches(load<std::uint32_t>(page.first, layout_.mapcount_offset));
    case PageLayout::HugetlbPlace::flag:
      return page.second != nullptr &&
             (load<std::uint64_t>(page.second, layout_.flags_offset) & layout_.hugetlb_flag_mask) != 0;
    case PageLayout::HugetlbPlace::destructor:
      return page.second != nullptr &&
             load<std::uint8_t>(page.second, layout_.destructor_offset) == layout_.hugetlb_destructor;
  }
  return false;
}

PageClassifier::Unit PageClassifier::unit_at(Pfn pfn, View page) const {
  const auto flags = load<std::uint64_t>(page.first, layout_.flags_offset);
  const auto mapcount = load<std::uint32_t>(page.first, layout_.mapcount_offset);
  if (flags == ~std::uint64_t{0}) return {};

  const bool slab = is_slab(flags, mapcount);
  if (!slab && layout_.buddy.matches(mapcount)) {
    const auto order = load<std::uint64_t>(page.first, layout_.private_offset);
    if (order >= layout_.free_orders || !is_aligned(pfn, static_cast<unsigned>(order))) return {};
    return {PageClass::free, Pfn{1} << order};
  }
  if (layout_.unaccepted.matches(mapcount)) {
    const auto order = static_cast<unsigned>(layout_.free_orders - 1);
    return is_aligned(pfn, order) ? Unit{PageClass::unaccepted, Pfn{1} << order} : Unit{};
  }

  const Pfn page_count = Pfn{1} << compound_order(pfn, page);
  const bool anonymous = (load<std::uint64_t>(page.first, layout_.mapping_offset) & 1) != 0 && !slab;
  const bool hugetlb = is_hugetlb(page);
  // PG_swapcache shares its bit with PG_owner_priv_1: it counts only on swap-backed pages.
  const bool cache = (flags & layout_.lru_mask) != 0 ||
                     ((flags & layout_.swapbacked_mask) != 0 && (flags & layout_.swapcache_mask) != 0);
  PageClass page_class = PageClass::kernel;
  if (cache && !anonymous) {
    page_class = (flags & layout_.private_mask) != 0 ? PageClass::private_cache : PageClass::cache;
  } else if (hugetlb) {
    page_class = PageClass::hugetlb;
  } else if (anonymous) {
    page_class = PageClass::user;
  } else if (!slab && layout_.offline.matches(mapcount)) {
    page_class = PageClass::offline;
  } else if (slab || layout_.large_kmalloc.matches(mapcount)) {
    page_class = PageClass::slab;
  } else if (layout_.table.matches(mapcount)) {
    page_class = PageClass::page_table;
  }
  // A poisoned head stands for any of its pages: hugetlb does not say which one.
  if (page_count > 1 && is_poisoned(page.first)) page_class = PageClass::hwpoison;
  return {page_class, page_count};
}

PageClassifier::Unit PageClassifier::unit_of_tail(Pfn pfn) {
  // By alignment, not by the pointer in compound_head: from Linux 7.1 on it need not point to the head. With
  // hugetlb's shared struct pages a false head shows up at every page boundary; its order gives it away.
  for (unsigned order = 1; order <= kCompoundOrderMax; ++order) {
    const Pfn head = round_down(pfn, Pfn{1} << order);
    if (head == round_down(pfn, Pfn{1} << (order - 1))) continue;
    const auto address = mem_map_.page_address(head);
    std::byte pages[2 * kStructPageSizeMax];
    if (!address.has_value()) break;
    if (!page_tables_.read(*address, std::span(pages).first(2 * layout_.size)).has_value()) continue;
    if (is_tail(pages)) continue;
    const Unit unit = unit_at(head, {pages, pages + layout_.size});
    if (head + unit.page_count > pfn) return {unit.page_class, head + unit.page_count - pfn};
  }
  return {};
}

void PageClassifier::classify_unused(const std::byte* pages, std::span<PageClass> classes) {
  carry_end_ = 0;
  for (std::size_t i = 0; i < classes.size(); ++i) {
    const bool poisoned = layout_.hwpoison_mask != 0 && is_poisoned(pages + i * layout_.size);
    classes[i] = poisoned ? PageClass::hwpoison : PageClass::unknown;
  }
}

void PageClassifier::classify_readable(Pfn first, const std::byte* pages, std::span<PageClass> classes) {
  if (!mem_map_.is_online(first)) return classify_unused(pages, classes);
  const ByteCount size = layout_.size;
  const Pfn end = first + classes.size();
  bool head_is_lost = false;
  for (Pfn pfn = first; pfn < end;) {
    const std::byte* page = pages + (pfn - first) * size;
    if (pfn >= carry_end_) {
      if (const std::size_t plain = classify_plain(page, classes.subspan(pfn - first)); plain > 0) {
        pfn += plain;
        head_is_lost = false;
        continue;
      }
      if (!is_tail(page)) {
        const Unit unit = unit_at(pfn, {page, pfn + 1 < end ? page + size : nullptr});
        carry_class_ = unit.page_class;
        carry_end_ = pfn + unit.page_count;
        head_is_lost = false;
      } else {
        const Unit unit = head_is_lost ? Unit{} : unit_of_tail(pfn);
        head_is_lost = unit.page_count == 1 && unit.page_class == PageClass::kernel;
        carry_class_ = unit.page_class;
        carry_end_ = pfn + unit.page_count;
      }
      // A damaged order claims too much: all pages of a compound page but the head are tails.
      const Pfn last = std::min(end, carry_end_) - 1;
      if (last != pfn && is_compound_class(carry_class_) && !is_tail(pages + (last - first) * size))
        carry_end_ = pfn + 1;
    }
    const Pfn unit_end = std::min(end, carry_end_);
    std::fill(&classes[pfn - first], &classes[unit_end - first - 1] + 1, carry_class_);
    if (layout_.hwpoison_mask != 0 && (carry_class_ != PageClass::free || looks_into_free_blocks_)) {
      for (Pfn member = pfn; member < unit_end; ++member) {
        if (is_poisoned(pages + (member - first) * size)) classes[member - first] = PageClass::hwpoison;
      }
    }
    pfn = unit_end;
  }
}

const std::byte* PageClassifier::gather(VirtualAddress address, std::span<PageClass, kBlockPfns> classes) {
  const ByteCount length = kBlockPfns * layout_.size;
  for (ByteCount done = 0; done < length;) {
    const auto mapping = page_tables_.translate(address + done);
    const ByteCount step =
        std::min(length - done, mapping.has_value() ? mapping->length : 4096 - (address + done) % 4096);
    const auto target = std::span(bounce_).subspan(done, step);
    if (!mapping.has_value() || !memory_.read(mapping->address, target).has_value()) {
      std::memset(target.data(), 0, target.size());
      const auto last = (done + step - 1) / layout_.size;
      std::fill(&classes[done / layout_.size], &classes[last] + 1, PageClass::unknown);
    }
    done += step;
  }
  return bounce_;
}

void PageClassifier::classify(Pfn first, std::span<PageClass, kBlockPfns> classes) {
  if (first != next_first_ || first % kRestartPfns == 0) carry_end_ = 0;
  next_first_ = first + kBlockPfns;
  std::fill(classes.begin(), classes.end(), PageClass::kernel);
  const auto address = mem_map_.page_address(first);
  if (!address.has_value()) {
    std::fill(classes.begin(), classes.end(), PageClass::unknown);
    return;
  }

  const ByteCount length = kBlockPfns * layout_.size;
  const auto mapping = page_tables_.translate(*address);
  if (mapping.has_value() && mapping->length >= length) {
    const auto pages = memory_.view(mapping->address, length);
    if (pages.has_value()) {
      classify_readable(first, pages->data(), classes);
      return;
    }
  }

  // Mapped in small pieces, or partly not at all: classify the readable stretches.
  const std::byte* pages = gather(*address, classes);
  for (Pfn i = 0; i < kBlockPfns;) {
    Pfn stretch_end = i;
    while (stretch_end < kBlockPfns && classes[stretch_end] != PageClass::unknown) ++stretch_end;
    if (stretch_end > i) {
      classify_readable(first + i, pages + i * layout_.size, classes.subspan(i, stretch_end - i));
    }
    i = std::max(stretch_end, i + 1);
  }
}

}  // namespace warmdump
