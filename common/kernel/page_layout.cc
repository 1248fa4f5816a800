#include "common/kernel/page_layout.h"

namespace warmdump {
namespace {

constexpr std::uint32_t kOutside = ~std::uint32_t{0};

bool is_type_byte(std::uint32_t value) {
  return (value & 0x00ff'ffff) == 0 && (value >> 24) >= 0xf0 && (value >> 24) <= 0xfe;
}

bool is_upper_half_bit(std::uint32_t value) {
  return (value & 0xffff) == 0xffff && (value >> 16) != 0xffff;
}

std::uint64_t flag_mask(const Vmcoreinfo& info, std::string_view name) {
  const auto bit = info.number(name);
  return bit && *bit >= 0 && *bit < 64 ? std::uint64_t{1} << *bit : 0;
}

PageType page_type(const Vmcoreinfo& info, std::string_view name) {
  const auto value = info.number(name);
  return value ? PageType::from_key(*value) : PageType{};
}

// Where a field of `field_size` bytes begins; all ones when it does not fit, which offsets_fit() refuses.
std::uint32_t field_offset(ByteCount offset, ByteCount field_size, ByteCount page_size) {
  return offset < page_size && field_size <= page_size - offset ? static_cast<std::uint32_t>(offset)
                                                                : kOutside;
}

void read_compound_places(const Vmcoreinfo& info, PageLayout& layout) {
  using Order = PageLayout::OrderPlace;
  using Hugetlb = PageLayout::HugetlbPlace;

  // Since Linux 6.3 the fields belong to struct folio, whose second page is what page[1] was.
  const auto folio_order = info.offset("folio._folio_order");
  const auto folio_destructor = info.offset("folio._folio_dtor");
  const auto order = folio_order && *folio_order >= layout.size ? std::optional(*folio_order - layout.size)
                                                                : info.offset("page.compound_order");
  const auto destructor = folio_destructor && *folio_destructor >= layout.size
                              ? std::optional(*folio_destructor - layout.size)
                              : info.offset("page.compound_dtor");
  const auto destructor_id = info.number("HUGETLB_PAGE_DTOR");

  layout.hugetlb = page_type(info, "PAGE_HUGETLB_MAPCOUNT_VALUE");
  layout.hugetlb_flag_mask = flag_mask(info, "PG_hugetlb");

  if (order) {
    layout.order_place = Order::byte;
    layout.order_offset = field_offset(*order, 1, layout.size);
  } else {
    layout.order_place = Order::flags_byte;
  }

  if (layout.hugetlb.known()) {
    layout.hugetlb_place = Hugetlb::mapcount;
  } else if (layout.hugetlb_flag_mask != 0) {
    layout.hugetlb_place = Hugetlb::flag;
  } else if (destructor && destructor_id) {
    layout.hugetlb_place = Hugetlb::destructor;
    layout.destructor_offset = field_offset(*destructor, 1, layout.size);
    layout.hugetlb_destructor = static_cast<std::uint8_t>(*destructor_id);
  }
}

bool offsets_fit(const PageLayout& layout) {
  return layout.size <= kStructPageSizeMax && layout.flags_offset != kOutside &&
         layout.compound_offset != kOutside && layout.mapping_offset != kOutside &&
         layout.private_offset != kOutside && layout.mapcount_offset != kOutside &&
         layout.order_offset != kOutside && layout.destructor_offset != kOutside;
}

}  // namespace

PageType PageType::from_key(std::int64_t key_value) {
  const auto value = static_cast<std::uint32_t>(key_value);
  PageType type;
  type.mask_ = is_type_byte(value) ? 0xff00'0000 : is_upper_half_bit(value) ? 0xffff'0000 : 0xffff'ffff;
  type.value_ = value & type.mask_;
  return type;
}

PageType PageType::sibling(const PageType& buddy, std::uint32_t legacy_bit, std::uint32_t bit_6_11,
                           std::uint32_t type_6_12) {
  // A kernel that gave buddy pages another value may have given any other to the rest.
  switch (buddy.value_) {
    case 0xf000'0000:
      return from_key(std::int64_t{type_6_12} << 24);
    case 0xbfff'0000:
      return bit_6_11 != 0 ? from_key(~std::int64_t{bit_6_11}) : PageType{};
    case 0xffff'ff7f:
      return legacy_bit != 0 ? from_key(~std::int64_t{legacy_bit}) : PageType{};
    default:
      return {};
  }
}

Result<PageLayout> PageLayout::from_vmcoreinfo(const Vmcoreinfo& info) {
  PageLayout layout;
  const auto size = info.size("page");
  const auto flags = info.offset("page.flags");
  // Linux 7.1 renames compound_head to compound_info; bit 0 keeps its meaning.
  const auto compound_head = info.offset("page.compound_head");
  const auto compound = compound_head ? compound_head : info.offset("page.compound_info");
  const auto mapping = info.offset("page.mapping");
  const auto page_private = info.offset("page.private");
  const auto mapcount = info.offset("page._mapcount");
  if (!size || !flags || !compound || !mapping || !page_private || !mapcount) {
    return Error::make(ErrorCode::not_found, "VMCOREINFO does not describe struct page");
  }
  layout.size = *size;
  layout.flags_offset = field_offset(*flags, 8, layout.size);
  layout.compound_offset = field_offset(*compound, 8, layout.size);
  layout.mapping_offset = field_offset(*mapping, 8, layout.size);
  layout.private_offset = field_offset(*page_private, 8, layout.size);
  layout.mapcount_offset = field_offset(*mapcount, 4, layout.size);

  layout.lru_mask = flag_mask(info, "PG_lru");
  layout.private_mask = flag_mask(info, "PG_private");
  layout.swapcache_mask = flag_mask(info, "PG_swapcache");
  layout.swapbacked_mask = flag_mask(info, "PG_swapbacked");
  layout.hwpoison_mask = flag_mask(info, "PG_hwpoison");
  layout.slab_mask = flag_mask(info, "PG_slab");
  layout.head_mask = static_cast<std::uint64_t>(info.number("PG_head_mask").value_or(0));

  layout.buddy = page_type(info, "PAGE_BUDDY_MAPCOUNT_VALUE");
  layout.slab = page_type(info, "PAGE_SLAB_MAPCOUNT_VALUE");
  // Slab pages have either a flag or a type; a kernel with neither key has the type without telling it.
  if (!layout.slab.known() && layout.slab_mask == 0)
    layout.slab = PageType::sibling(layout.buddy, 0x1000, 0x0200'0000, 0xf5);
  layout.unaccepted = page_type(info, "PAGE_UNACCEPTED_MAPCOUNT_VALUE");
  layout.table = PageType::sibling(layout.buddy, 0x200, 0x1000'0000, 0xf2);
  layout.large_kmalloc = PageType::sibling(layout.buddy, 0, 0, 0xf8);
  // Until 6.9 the offline key is printed only with CONFIG_HUGETLB_PAGE, though the type is always there.
  layout.offline = page_type(info, "PAGE_OFFLINE_MAPCOUNT_VALUE");
  if (!layout.offline.known()) layout.offline = PageType::sibling(layout.buddy, 0x100, 0x2000'0000, 0xf1);

  read_compound_places(info, layout);
  const auto free_orders = info.length("zone.free_area");
  if (free_orders && *free_orders >= 1 && *free_orders <= kCompoundOrderMax + 1)
    layout.free_orders = *free_orders;
  if (!offsets_fit(layout))
    return Error::make(ErrorCode::corrupt, "VMCOREINFO offsets lie outside of struct page");
  return layout;
}

}  // namespace warmdump
