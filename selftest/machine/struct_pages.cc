#include "selftest/machine/struct_pages.h"

#include <fmt/format.h>

#include <cstdlib>
#include <cstring>

namespace warmdump::synthetic {
namespace {

// Some address in the direct map, as mapping, list or private pointers hold one; bits 0 and 1 clear.
constexpr VirtualAddress kSomeObject = 0xffff'8880'0123'4560;
constexpr std::uint64_t kMappingAnon = 1;
constexpr std::uint64_t kUntyped = 0xffff'ffff;

bool is_compound(const PageStatement& statement) {
  switch (statement.kind) {
    case PageKind::slab:
    case PageKind::anon:
    case PageKind::cache:
    case PageKind::private_cache:
    case PageKind::hugetlb:
    case PageKind::compound:
      return statement.order > 0;
    default:
      return false;
  }
}

std::string_view type_key(PageKind kind) {
  switch (kind) {
    case PageKind::free:
      return "NUMBER(PAGE_BUDDY_MAPCOUNT_VALUE)";
    case PageKind::offline:
      return "NUMBER(PAGE_OFFLINE_MAPCOUNT_VALUE)";
    case PageKind::page_table:
      return "NUMBER(PAGE_TABLE_MAPCOUNT_VALUE)";
    case PageKind::unaccepted:
      return "NUMBER(PAGE_UNACCEPTED_MAPCOUNT_VALUE)";
    default:
      return "";
  }
}

}  // namespace

Outcome<StructPages> StructPages::make(const Recipe& recipe) {
  StructPages pages(recipe);
  TRY(pages.read_numbers(recipe.vmcoreinfo));
  TRY(pages.read_numbers(recipe.layout));
  for (const char* field : {"flags", "_refcount", "mapping", "_mapcount", "private"}) {
    if (pages.numbers_.find(fmt::format("OFFSET(page.{})", field)) == pages.numbers_.end()) {
      return Failure(ErrorCode::invalid, fmt::format("recipe: no OFFSET(page.{})", field));
    }
  }
  for (const PageStatement& statement : recipe.pages) {
    Flags flags;
    TRY(pages.check_statement(statement, flags));
    pages.flags_.push_back(flags);
  }
  return pages;
}

Outcome<void> StructPages::read_numbers(const std::vector<std::string>& lines) {
  for (const std::string& line : lines) {
    const std::size_t equals = line.find('=');
    if (equals == std::string::npos) return Failure(ErrorCode::invalid, "recipe: no KEY=VALUE in " + line);
    const std::string key = line.substr(0, equals);
    if (!key.starts_with("OFFSET(") && !key.starts_with("NUMBER(")) continue;
    const std::string value = line.substr(equals + 1);
    numbers_[key] = value.starts_with('-')
                        ? static_cast<std::uint64_t>(std::strtoll(value.c_str(), nullptr, 0))
                        : std::strtoull(value.c_str(), nullptr, 0);
  }
  return {};
}

Outcome<void> StructPages::check_statement(const PageStatement& statement, Flags& flags) const {
  const auto need = [&](std::string_view key) -> Outcome<std::uint64_t> {
    const auto found = numbers_.find(key);
    if (found != numbers_.end()) return found->second;
    return Failure(ErrorCode::invalid, fmt::format("recipe line {}: needs {}", statement.line, key));
  };
  for (const std::string& name : statement.flags_set) {
    flags.set |= std::uint64_t{1} << TRY(need(fmt::format("NUMBER({})", name)));
  }
  for (const std::string& name : statement.flags_cleared) {
    flags.cleared |= std::uint64_t{1} << TRY(need(fmt::format("NUMBER({})", name)));
  }
  if (!type_key(statement.kind).empty()) TRY(need(type_key(statement.kind)));
  if (statement.kind == PageKind::hwpoison) TRY(need("NUMBER(PG_hwpoison)"));
  if (statement.kind == PageKind::hugetlb && recipe_.compound == CompoundStyle::page1_flags) {
    TRY(need("NUMBER(PG_hugetlb)"));
  }
  if (statement.kind == PageKind::hugetlb && recipe_.compound == CompoundStyle::page1_flags_typed) {
    TRY(need("NUMBER(PAGE_HUGETLB_MAPCOUNT_VALUE)"));
  }
  return {};
}

std::uint64_t StructPages::number(std::string_view key) const {
  const auto found = numbers_.find(key);
  return found == numbers_.end() ? 0 : found->second;
}

std::uint64_t StructPages::flag(std::string_view name) const {
  const auto found = numbers_.find(fmt::format("NUMBER({})", name));
  return found == numbers_.end() ? 0 : std::uint64_t{1} << found->second;
}

void StructPages::put(std::span<std::byte> page, std::string_view field, std::uint64_t value) const {
  std::string key;
  ByteCount size = 8;
  if (field == "mapcount" || field == "refcount") {
    key = fmt::format("OFFSET(page._{})", field);
    size = 4;
  } else if (field == "compound") {
    key = numbers_.contains("OFFSET(page.compound_info)") ? "OFFSET(page.compound_info)"
                                                          : "OFFSET(page.compound_head)";
  } else {
    key = fmt::format("OFFSET(page.{})", field);
  }
  std::memcpy(page.data() + number(key), &value, size);
}

void StructPages::put_tail(std::span<std::byte> page, VirtualAddress head, unsigned order) const {
  std::memset(page.data(), 0, page.size());
  put(page, "mapcount", kUntyped);
  // The mask form clears the bits below the size of the block of struct pages.
  const std::uint64_t mask = ~((recipe_.struct_page_size << order) - 1);
  put(page, "compound", (recipe_.tails == TailStyle::mask ? mask : head) | 1);
}

void StructPages::put_order(std::span<std::byte> first_tail, unsigned order, bool is_hugetlb) const {
  if (recipe_.compound == CompoundStyle::page1_bytes) {
    // Since 6.3 the offsets count from the start of the folio, one struct page earlier.
    const bool is_folio = numbers_.contains("OFFSET(folio._folio_order)");
    const std::uint64_t base = is_folio ? recipe_.struct_page_size : 0;
    const std::uint64_t order_at =
        number(is_folio ? "OFFSET(folio._folio_order)" : "OFFSET(page.compound_order)");
    const std::uint64_t dtor_at =
        number(is_folio ? "OFFSET(folio._folio_dtor)" : "OFFSET(page.compound_dtor)");
    // enum compound_dtor_id: 1 plain compound page, then NUMBER(HUGETLB_PAGE_DTOR)
    first_tail[order_at - base] = static_cast<std::byte>(order);
    first_tail[dtor_at - base] = static_cast<std::byte>(is_hugetlb ? number("NUMBER(HUGETLB_PAGE_DTOR)") : 1);
    return;
  }
  std::uint64_t flags = order;
  if (recipe_.compound == CompoundStyle::page1_flags && is_hugetlb) flags |= flag("PG_hugetlb");
  put(first_tail, "flags", flags);
}

void StructPages::put_first_tail(std::span<std::byte> page, const PageStatement& statement) const {
  put_order(page, statement.order, statement.kind == PageKind::hugetlb);
}

void StructPages::put_head(std::span<std::byte> page, const PageStatement& statement) const {
  std::uint64_t flags = is_compound(statement) ? number("NUMBER(PG_head_mask)") : 0;
  switch (statement.kind) {
    case PageKind::free:
      put(page, "refcount", 0);
      put(page, "private", statement.order);
      break;
    case PageKind::unaccepted:
      put(page, "refcount", 0);
      break;
    case PageKind::slab:
      if (numbers_.contains("NUMBER(PAGE_SLAB_MAPCOUNT_VALUE)")) {
        put(page, "mapcount", number("NUMBER(PAGE_SLAB_MAPCOUNT_VALUE)"));
      } else {
        flags |= flag("PG_slab");
      }
      break;
    case PageKind::anon:
      flags |= flag("PG_lru") | flag("PG_swapbacked");
      put(page, "mapping", kSomeObject | kMappingAnon);
      put(page, "mapcount", 0);
      break;
    case PageKind::cache:
      flags |= flag("PG_lru");
      put(page, "mapping", kSomeObject);
      break;
    case PageKind::private_cache:
      flags |= flag("PG_lru") | flag("PG_private");
      put(page, "mapping", kSomeObject);
      put(page, "private", kSomeObject);
      break;
    case PageKind::swap_cache:
      flags |= flag("PG_swapbacked") | flag("PG_swapcache");
      put(page, "mapping", kSomeObject | kMappingAnon);
      break;
    case PageKind::hugetlb:
      put(page, "mapping", kSomeObject);
      if (recipe_.compound == CompoundStyle::page1_flags_typed) {
        put(page, "mapcount", number("NUMBER(PAGE_HUGETLB_MAPCOUNT_VALUE)"));
      }
      break;
    case PageKind::hwpoison:
      flags |= flag("PG_hwpoison");
      break;
    default:
      break;
  }
  if (!type_key(statement.kind).empty()) put(page, "mapcount", number(type_key(statement.kind)));
  put(page, "flags", flags);
}

void StructPages::put_options(std::span<std::byte> page, const PageStatement& statement,
                              const Flags& flags) const {
  for (const auto& [field, value] : statement.fields) put(page, field, value);
  std::uint64_t word;
  std::byte* place = page.data() + number("OFFSET(page.flags)");
  std::memcpy(&word, place, sizeof(word));
  word = (word | flags.set) & ~flags.cleared;
  std::memcpy(place, &word, sizeof(word));
}

void StructPages::encode_one(std::span<std::byte> page, const PageStatement& statement, const Flags& flags,
                             Pfn pfn, VirtualAddress address) const {
  const PageCount index = (pfn - statement.pages.first) % (PageCount{1} << statement.order);
  switch (statement.kind) {
    case PageKind::patch:
      return put_options(page, statement, flags);
    case PageKind::no_struct_page:
      return;
    case PageKind::poisoned:
      std::memset(page.data(), 0xff, page.size());
      return;
    case PageKind::zeroed:
      std::memset(page.data(), 0, page.size());
      return;
    case PageKind::garbage:
      for (std::size_t i = 0; i < page.size(); ++i) {
        const std::uint64_t noise = (pfn * page.size() + i + 1) * 0x9e37'79b9'7f4a'7c15;
        page[i] = static_cast<std::byte>(noise >> 56);
      }
      return put_options(page, statement, flags);
    case PageKind::tail:
      put_tail(page, kSomeObject, 0);
      return put_options(page, statement, flags);
    default:
      break;
  }
  if (is_compound(statement) && index > 0) {
    put_tail(page, address - index * recipe_.struct_page_size, statement.order);
    if (index == 1) put_first_tail(page, statement);
    return;
  }
  if (index == 0 || statement.kind == PageKind::offline) {
    put_head(page, statement);
    put_options(page, statement, flags);
    return;
  }
  put(page, "refcount", 0);  // inside of a free or unaccepted block
}

void StructPages::encode(Pfn first, VirtualAddress address, std::span<std::byte> target) const {
  const ByteCount size = recipe_.struct_page_size;
  const PageCount count = target.size() / size;
  std::memset(target.data(), 0, target.size());
  for (PageCount i = 0; i < count; ++i) {
    const std::span<std::byte> page = target.subspan(i * size, size);
    put(page, "mapcount", kUntyped);
    put(page, "refcount", 1);
  }
  for (std::size_t i = 0; i < recipe_.pages.size(); ++i) {
    const PageStatement& statement = recipe_.pages[i];
    const Pfn start = std::max(first, statement.pages.first);
    const Pfn end = std::min(first + count, statement.pages.end());
    for (Pfn pfn = start; pfn < end; ++pfn) {
      const std::span<std::byte> page = target.subspan((pfn - first) * size, size);
      if (statement.kind != PageKind::patch) {
        std::memset(page.data(), 0, page.size());
        put(page, "mapcount", kUntyped);
        put(page, "refcount", 1);
      }
      encode_one(page, statement, flags_[i], pfn, address + (pfn - first) * size);
    }
  }
}

void StructPages::encode_shared_tail(unsigned order, std::span<std::byte> target) const {
  put_tail(target, 0, order);
}

std::string StructPages::signature(Pfn first, PageCount count) const {
  std::string text;
  for (std::size_t i = 0; i < recipe_.pages.size(); ++i) {
    const PageRange& pages = recipe_.pages[i].pages;
    if (pages.end() <= first || pages.first >= first + count) continue;
    const PageCount block = PageCount{1} << recipe_.pages[i].order;
    const bool holds_addresses =
        is_compound(recipe_.pages[i]) || recipe_.pages[i].kind == PageKind::no_struct_page;
    if (holds_addresses || pages.first > first || pages.end() < first + count || count % block != 0)
      return "";
    text += fmt::format("{} ", i);
  }
  return text.empty() ? "unnamed" : text;
}

}  // namespace warmdump::synthetic
