#include "tests/vm/page_decoder.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>

namespace warmdump::judge {
namespace {

constexpr std::uint64_t kKernelMap = 0xffffffff80000000;
constexpr std::uint64_t kPresent = 1, kLarge = 0x80;
constexpr std::uint64_t kEntryAddress = 0x000ffffffffff000;

// include/linux/mmzone.h: bits below the address in mem_section.section_mem_map.
constexpr std::uint64_t kSectionPresent = 1, kSectionHasMap = 2, kSectionOnline = 4;
constexpr std::uint64_t kSectionFlagsKnownLong = 0x1f;
constexpr std::uint64_t kSectionFlags = 0xfff;

constexpr std::uint64_t kMappingAnon = 1, kMappingMovable = 2;

std::string size_text(unsigned order) {
  const std::uint64_t kib = std::uint64_t{4} << order;
  return kib < 1024      ? std::to_string(kib) + " KiB"
         : kib < 1 << 20 ? std::to_string(kib >> 10) + " MiB"
                         : std::to_string(kib >> 20) + " GiB";
}

}  // namespace

PageDecoder::PageDecoder(const DumpFile& vmcore, const std::string& vmcoreinfo) : vmcore_(vmcore) {
  for (std::size_t at = 0; at < vmcoreinfo.size();) {
    const std::size_t end = std::min(vmcoreinfo.find('\n', at), vmcoreinfo.size());
    const std::string line = vmcoreinfo.substr(at, end - at);
    const std::size_t equals = line.find('=');
    if (equals != std::string::npos) lines_.emplace(line.substr(0, equals), line.substr(equals + 1));
    at = end + 1;
  }
  levels_ = key("NUMBER(pgtable_l5_enabled)").value_or(0) != 0 ? 5 : 4;
  encryption_mask_ = static_cast<std::uint64_t>(key("NUMBER(sme_mask)").value_or(0));
  root_table_ = need("SYMBOL(init_top_pgt)") - kKernelMap + need("NUMBER(phys_base)");
  size_ = need("SIZE(page)");
  tails_have_masks_ = key("OFFSET(page.compound_info)").has_value();
  field_offsets_["compound"] =
      need(tails_have_masks_ ? "OFFSET(page.compound_info)" : "OFFSET(page.compound_head)");
  for (const char* field : {"flags", "mapping", "private", "_mapcount", "_refcount"})
    field_offsets_[field] = need(std::string("OFFSET(page.") + field + ")");
  // The kernel itself lies in memory that is online.
  const auto image = physical(need("SYMBOL(_stext)"));
  online_is_told_ =
      image && (section(*image >> need("NUMBER(SECTION_SIZE_BITS)")).flags & kSectionOnline) != 0;
}

std::optional<std::int64_t> PageDecoder::key(const std::string& name) const {
  const auto found = lines_.find(name);
  if (found == lines_.end()) {
    if (name == "NUMBER(SECTION_SIZE_BITS)") return 27;  // x86-64's only value; not every 5.10 tells it
    return std::nullopt;
  }
  const bool is_symbol = name.rfind("SYMBOL", 0) == 0;
  const char* value = found->second.c_str();
  return value[0] == '-' ? std::strtoll(value, nullptr, 10)
                         : static_cast<std::int64_t>(std::strtoull(value, nullptr, is_symbol ? 16 : 0));
}

std::uint64_t PageDecoder::need(const std::string& name) const {
  const auto value = key(name);
  if (!value) stop("VMCOREINFO has no " + name);
  return static_cast<std::uint64_t>(*value);
}

std::uint64_t PageDecoder::flag(const std::string& name) const {
  const auto bit = key("NUMBER(" + name + ")");
  return bit ? std::uint64_t{1} << *bit : 0;
}

std::uint64_t PageDecoder::table_entry(std::uint64_t table, std::uint64_t index) {
  auto found = tables_.find(table);
  if (found == tables_.end()) {
    Page page{};
    if (!vmcore_.read(table / kPageSize, page)) page.fill(0);
    found = tables_.emplace(table, page).first;
  }
  std::uint64_t entry;
  std::memcpy(&entry, found->second.data() + index * sizeof(entry), sizeof(entry));
  return entry & ~encryption_mask_;
}

std::optional<std::uint64_t> PageDecoder::physical(std::uint64_t address) {
  std::uint64_t table = root_table_;
  for (unsigned level = levels_; level-- > 0;) {
    const unsigned shift = 12 + 9 * level;
    const std::uint64_t entry = table_entry(table, address >> shift & 511);
    if ((entry & kPresent) == 0) return std::nullopt;
    const std::uint64_t inside = (std::uint64_t{1} << shift) - 1;
    if (level == 0 || (level <= 2 && (entry & kLarge) != 0)) {
      return (entry & kEntryAddress & ~inside) | (address & inside);
    }
    table = entry & kEntryAddress;
  }
  return std::nullopt;
}

bool PageDecoder::read(std::uint64_t address, void* target, std::size_t size) {
  auto* bytes = static_cast<unsigned char*>(target);
  while (size > 0) {
    const auto place = physical(address);
    if (!place) return false;
    if (*place / kPageSize != cached_pfn_) {
      cached_pfn_ = ~std::uint64_t{0};
      if (!vmcore_.read(*place / kPageSize, cached_page_)) return false;
      cached_pfn_ = *place / kPageSize;
    }
    const std::size_t step = std::min<std::size_t>(size, kPageSize - *place % kPageSize);
    std::memcpy(bytes, cached_page_.data() + *place % kPageSize, step);
    bytes += step;
    address += step;
    size -= step;
  }
  return true;
}

std::uint64_t PageDecoder::word(std::uint64_t address) {
  std::uint64_t value = 0;
  if (!read(address, &value, sizeof(value))) stop("cannot read the section table");
  return value;
}

PageDecoder::Section PageDecoder::section(std::uint64_t number) {
  const auto known = sections_.find(number);
  if (known != sections_.end()) return known->second;
  // Debian's kernels have SPARSEMEM_EXTREME: an array of pointers to pages of mem_sections.
  const std::uint64_t entry_size = need("SIZE(mem_section)");
  const std::uint64_t per_root = kPageSize / entry_size;
  Section result;
  if (number / per_root < need("LENGTH(mem_section)")) {
    const std::uint64_t root = word(need("SYMBOL(mem_section)") + number / per_root * 8);
    if (root != 0) {
      const std::uint64_t coded =
          word(root + number % per_root * entry_size + need("OFFSET(mem_section.section_mem_map)"));
      result = {coded & ~kSectionFlags, coded & kSectionFlags};
    }
  }
  sections_[number] = result;
  return result;
}

std::optional<PageDecoder::StructPage> PageDecoder::struct_page(std::uint64_t pfn) {
  const Section in = section(pfn >> (need("NUMBER(SECTION_SIZE_BITS)") - 12));
  if ((in.flags & (kSectionPresent | kSectionHasMap)) != (kSectionPresent | kSectionHasMap))
    return std::nullopt;
  StructPage page(size_);
  if (!read(in.map + pfn * size_, page.data(), size_)) return std::nullopt;
  return page;
}

std::uint64_t PageDecoder::word_of(const StructPage& page, const char* field) const {
  std::uint64_t value = 0;
  std::memcpy(&value, page.data() + field_offsets_.find(field)->second, field[0] == '_' ? 4 : 8);
  return value;
}

// `newest` is the type's byte from 6.12 on, for types whose value VMCOREINFO does not tell; 0 for none.
bool PageDecoder::is_type(const StructPage& page, const std::string& name, std::uint32_t newest) const {
  const auto mapcount = static_cast<std::uint32_t>(word_of(page, "_mapcount"));
  const auto value = key("NUMBER(PAGE_" + name + "_MAPCOUNT_VALUE)");
  const auto buddy = static_cast<std::uint32_t>(need("NUMBER(PAGE_BUDDY_MAPCOUNT_VALUE)"));
  const bool has_type_bytes = buddy == 0xf0000000;
  if (!value) return has_type_bytes && newest != 0 && mapcount >> 24 == newest;
  const auto type = static_cast<std::uint32_t>(*value);
  return has_type_bytes ? mapcount >> 24 == type >> 24 : mapcount == type;
}

// The head by pointer or mask; the page itself when it is no tail; none when the pointer leads nowhere.
std::optional<std::uint64_t> PageDecoder::head_of(std::uint64_t pfn, const StructPage& page) {
  const Section in = section(pfn >> (need("NUMBER(SECTION_SIZE_BITS)") - 12));
  const std::uint64_t own = in.map + pfn * size_;
  std::uint64_t link = word_of(page, "compound");
  if ((link & 1) == 0) {
    // Below a hugetlb page whose struct pages are shared, a copy of the head stands at every page boundary:
    // the struct page behind it tells the true one.
    const auto next = struct_page(pfn + 1);
    const bool has_head_mark =
        (word_of(page, "flags") & static_cast<std::uint64_t>(need("NUMBER(PG_head_mask)"))) != 0;
    if (tails_have_masks_ || !has_head_mark || own % kPageSize != 0 || !next) return pfn;
    link = word_of(*next, "compound");
    if ((link & 1) == 0) return pfn;
  }
  const std::uint64_t head = tails_have_masks_ ? own & link & ~std::uint64_t{1} : link - 1;
  if (head > own || (own - head) % size_ != 0 || own - head > (size_ << 20)) return std::nullopt;
  return pfn - (own - head) / size_;
}

unsigned PageDecoder::order_of(const StructPage& second) const {
  if (const auto at = key("OFFSET(folio._folio_order)"))
    return second[static_cast<std::uint64_t>(*at) - size_];
  if (const auto at = key("OFFSET(page.compound_order)")) return second[static_cast<std::uint64_t>(*at)];
  return word_of(second, "flags") & 0xff;
}

bool PageDecoder::is_hugetlb(const StructPage& head, const StructPage& second) const {
  if (key("NUMBER(PAGE_HUGETLB_MAPCOUNT_VALUE)")) return is_type(head, "HUGETLB", 0);
  if (const std::uint64_t mark = flag("PG_hugetlb")) return (word_of(second, "flags") & mark) != 0;
  const auto folio = key("OFFSET(folio._folio_dtor)");
  const auto at =
      folio ? *folio - static_cast<std::int64_t>(size_) : key("OFFSET(page.compound_dtor)").value_or(-1);
  return at >= 0 && second[static_cast<std::uint64_t>(at)] == need("NUMBER(HUGETLB_PAGE_DTOR)");
}

// Whether one page of memory stands at several addresses of the struct pages of a hugetlb page. Which page
// that is differs between kernels, but the third and the fourth are always the same one.
bool PageDecoder::has_shared_struct_pages(std::uint64_t head, unsigned order) {
  const std::uint64_t bytes = size_ << order;
  if (bytes < 4 * kPageSize) return false;
  const std::uint64_t first = section(head >> (need("NUMBER(SECTION_SIZE_BITS)") - 12)).map + head * size_;
  const auto third = physical(first + 2 * kPageSize);
  return third && third == physical(first + 3 * kPageSize);
}

PageFacts PageDecoder::make(Rule rule, const std::string& kind) {
  const auto found = std::find(kinds_.begin(), kinds_.end(), kind);
  const auto index = found - kinds_.begin();
  if (found == kinds_.end()) kinds_.push_back(kind);
  PageFacts facts;
  facts.rule = rule;
  facts.kind = static_cast<std::uint8_t>(index);
  return facts;
}

// Of a page that is no tail: what it is, and with it all its tails.
PageFacts PageDecoder::facts_of_head(std::uint64_t head) {
  const auto page = struct_page(head);
  if (!page) return make(Rule::no_map, "no struct page");
  const std::uint64_t flags = word_of(*page, "flags");
  const std::uint64_t mapping = word_of(*page, "mapping");
  const bool in_use = static_cast<std::int32_t>(word_of(*page, "_refcount")) > 0;
  const bool slab =
      key("NUMBER(PAGE_SLAB_MAPCOUNT_VALUE)") ? is_type(*page, "SLAB", 0) : (flags & flag("PG_slab")) != 0;
  unsigned order = 0;
  bool hugetlb = false;
  if ((flags & static_cast<std::uint64_t>(need("NUMBER(PG_head_mask)"))) != 0) {
    if (const auto second = struct_page(head + 1)) {
      order = order_of(*second);
      hugetlb = is_hugetlb(*page, *second);
    }
  }
  const std::string size = order > 0 ? ", " + size_text(order) : "";
  const bool broken = (flags & flag("PG_hwpoison")) != 0;
  if (slab) return make(Rule::kernel, "slab" + size);
  if (hugetlb) {
    // Which page of it is broken, hugetlb does not tell here.
    if (broken) return make(Rule::broken, "broken hugetlb page" + size);
    return make(Rule::hugetlb, "hugetlb" + size + (in_use ? "" : ", in the pool") +
                                   (has_shared_struct_pages(head, order) ? ", struct pages shared" : ""));
  }
  const bool swapbacked = (flags & flag("PG_swapbacked")) != 0;
  const bool swapcache = swapbacked && (flags & flag("PG_swapcache")) != 0;
  const bool on_list = (flags & flag("PG_lru")) != 0;
  if ((mapping & kMappingAnon) != 0) {
    if ((mapping & kMappingMovable) != 0) return make(Rule::user, "merged by KSM");
    return make(Rule::user, "anonymous" + size + (swapcache ? ", in the swap cache" : ""));
  }
  if (on_list || swapcache) {
    const bool has_private = (flags & flag("PG_private")) != 0;
    const std::string name = swapbacked ? "shared memory" : has_private ? "file with private data" : "file";
    return make(has_private ? Rule::private_cache : Rule::cache,
                name + size + (swapcache ? ", in the swap cache" : ""));
  }
  if (is_type(*page, "OFFLINE", 0xf1)) return make(Rule::offline, "offline (balloon)");
  if (is_type(*page, "", 0xf2)) return make(Rule::kernel, "page table");
  if (is_type(*page, "", 0xf6)) return make(Rule::kernel, "zsmalloc");
  if ((mapping & kMappingMovable) != 0) return make(Rule::kernel, "movable kernel page");
  if (order > 0) return make(Rule::kernel, "kernel" + size);
  return make(Rule::kernel, in_use ? "kernel" : "kernel, no references");
}

std::vector<PageFacts> PageDecoder::decode(std::uint64_t pfn_end) {
  std::vector<PageFacts> all(pfn_end);
  std::uint64_t free_end = 0, unaccepted_end = 0;
  const std::uint64_t orders = need("LENGTH(zone.free_area)");
  const unsigned section_bits = static_cast<unsigned>(need("NUMBER(SECTION_SIZE_BITS)")) - 12;
  for (std::uint64_t pfn = 0; pfn < pfn_end; ++pfn) {
    PageFacts& facts = all[pfn];
    const auto page = struct_page(pfn);
    if (!page) {
      facts = make(Rule::no_map, "no struct page");
      continue;
    }
    const std::uint64_t section_flags = section(pfn >> section_bits).flags;
    const bool broken =
        (word_of(*page, "flags") & flag("PG_hwpoison")) != 0 && word_of(*page, "flags") + 1 != 0;
    if (online_is_told_ && (section_flags & kSectionOnline) == 0) {
      facts = broken ? make(Rule::broken, "broken, memory block not online")
                     : make(Rule::not_online, "memory block not online");
      continue;
    }
    const bool is_tail = (word_of(*page, "compound") & 1) != 0;
    if (!is_tail && pfn >= free_end && is_type(*page, "BUDDY", 0xf0) && word_of(*page, "private") < orders)
      free_end = pfn + (std::uint64_t{1} << word_of(*page, "private"));
    if (!is_tail && pfn >= unaccepted_end && is_type(*page, "UNACCEPTED", 0xf7))
      unaccepted_end = pfn + (std::uint64_t{1} << (orders - 1));
    if (pfn < free_end || pfn < unaccepted_end) {
      facts = broken           ? make(Rule::broken, "broken, in a free block")
              : pfn < free_end ? make(Rule::free, "free")
                               : make(Rule::unaccepted, "unaccepted");
      continue;
    }
    const auto head = head_of(pfn, *page);
    const std::uint64_t of = head.value_or(pfn);
    auto known = heads_.find(of);
    if (known == heads_.end()) known = heads_.emplace(of, facts_of_head(of)).first;
    facts = known->second;
    if (broken && facts.rule != Rule::broken)
      facts = make(Rule::broken, is_tail ? "broken, in a compound page" : "broken");
    facts.is_tail = head != pfn;
    facts.has_new_section_flag = (section_flags & ~kSectionFlagsKnownLong) != 0;
    facts.in_compound =
        is_tail || (word_of(*page, "flags") & static_cast<std::uint64_t>(need("NUMBER(PG_head_mask)"))) != 0;
  }
  return all;
}

bool PageDecoder::is_kept(Rule rule, unsigned dump_level) {
  switch (rule) {
    case Rule::absent:
    case Rule::offline:
    case Rule::broken:
      return false;
    case Rule::free:
    case Rule::unaccepted:
      return (dump_level & 16) == 0;
    case Rule::cache:
      return (dump_level & 6) == 0;
    case Rule::private_cache:
      return (dump_level & 4) == 0;
    case Rule::user:
    case Rule::hugetlb:
      return (dump_level & 8) == 0;
    default:
      return true;
  }
}

}  // namespace warmdump::judge
