#include <fmt/format.h>

#include <cstring>

#include "selftest/machine/page_tables.h"
#include "selftest/machine/vmcore_builder.h"

namespace warmdump::synthetic {
namespace {

using dump_format::PageClass;

// Bits of makedumpfile's dump level that leave a class out.
constexpr unsigned kLevelCache = 2;
constexpr unsigned kLevelPrivateCache = 4;
constexpr unsigned kLevelUser = 8;
constexpr unsigned kLevelFree = 16;

std::uint64_t mix(std::uint64_t value) {  // splitmix64
  value += 0x9e37'79b9'7f4a'7c15;
  value = (value ^ (value >> 30)) * 0xbf58'476d'1ce4'e5b9;
  value = (value ^ (value >> 27)) * 0x94d0'49bb'1331'11eb;
  return value ^ (value >> 31);
}

}  // namespace

bool VmcoreTruth::is_kept(Pfn pfn, unsigned dump_level) const {
  switch (page_class(pfn)) {
    case PageClass::absent:
    case PageClass::hwpoison:
    case PageClass::offline:
    case PageClass::region:
      return false;
    case PageClass::free:
    case PageClass::unaccepted:
      return (dump_level & kLevelFree) == 0;
    case PageClass::cache:
      return (dump_level & (kLevelCache | kLevelPrivateCache)) == 0;
    case PageClass::private_cache:
      return (dump_level & kLevelPrivateCache) == 0;
    case PageClass::user:
    case PageClass::hugetlb:
      return (dump_level & kLevelUser) == 0;
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

std::vector<std::byte> make_page(const ContentStatement& content, Pfn pfn) {
  std::vector<std::byte> page(kPageSize);
  if (content.kind == ContentKind::bytes) {
    for (std::size_t i = 0; i < page.size(); ++i) page[i] = content.bytes[i % content.bytes.size()];
  } else if (content.kind != ContentKind::zero) {
    for (std::uint64_t i = 0; i < kPageSize / 8; ++i) {
      // A pattern names its page in every word and compresses well; random does not compress.
      const std::uint64_t word = content.kind == ContentKind::pattern ? (pfn << 16 | i) : mix(pfn * 512 + i);
      std::memcpy(page.data() + i * 8, &word, sizeof(word));
    }
  }
  return page;
}

Outcome<std::vector<std::byte>> VmcoreTruth::page_bytes(Pfn pfn) const {
  const ContentStatement& content = content_statements_[contents_.at(pfn)];
  if (page_class(pfn) == PageClass::absent) {
    return Failure(ErrorCode::invalid, fmt::format("no RAM at pfn {:#x}", pfn));
  }
  if (content.kind != ContentKind::machine) return make_page(content, pfn);
  std::vector<std::byte> page(kPageSize);
  TRY(core_->read(pfn * kPageSize, page));
  return page;
}

VirtualAddress VmcoreTruth::struct_page_address(Pfn pfn) const {
  const auto section = std::prev(section_maps_.upper_bound(pfn));
  return section->second + (pfn - section->first) * struct_page_size_;
}

}  // namespace warmdump::synthetic
