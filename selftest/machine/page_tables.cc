#include "selftest/machine/page_tables.h"

#include <fmt/format.h>

namespace warmdump::synthetic {
namespace {

// Intel SDM volume 3, 4.5: present, writable, accessed, dirty; bit 7 of an upper entry: a large page.
constexpr std::uint64_t kTableBits = 0x63;
constexpr std::uint64_t kLargePageBit = 0x80;
constexpr std::uint64_t kAddressMask = 0x000f'ffff'ffff'f000;

}  // namespace

PageTables::PageTables(unsigned levels, std::uint64_t sme_mask, PhysicalAddress root, TakePage take_page)
    : levels_(levels), sme_mask_(sme_mask), root_(root), take_page_(std::move(take_page)) {
  tables_[root_] = Table{};
}

Outcome<void> PageTables::map(VirtualAddress virtual_address, PhysicalAddress physical_address,
                              ByteCount page_size) {
  PhysicalAddress table_address = root_;
  for (unsigned level = levels_;; --level) {
    const unsigned shift = 12 + 9 * (level - 1);
    std::uint64_t& entry = tables_.at(table_address)[(virtual_address >> shift) & 511];
    if ((ByteCount{1} << shift) == page_size) {
      if (entry != 0) {
        return Failure(ErrorCode::invalid, fmt::format("{:#x} is mapped twice", virtual_address));
      }
      entry = physical_address | sme_mask_ | kTableBits | (level > 1 ? kLargePageBit : 0);
      return {};
    }
    if ((entry & kLargePageBit) != 0) {
      return Failure(ErrorCode::invalid, fmt::format("{:#x} is mapped by a larger page", virtual_address));
    }
    if (entry == 0) {
      const PhysicalAddress page = TRY(take_page_());
      entry = page | sme_mask_ | kTableBits;
      tables_[page] = Table{};
    }
    table_address = entry & kAddressMask & ~sme_mask_;
  }
}

Outcome<void> PageTables::map_range(VirtualAddress virtual_address, PhysicalAddress physical_address,
                                    ByteCount size) {
  while (size > 0) {
    ByteCount page_size = kPageSize;
    for (const ByteCount larger : {kHugePageSize, kGiB}) {
      if (((virtual_address | physical_address) % larger) == 0 && size >= larger) page_size = larger;
    }
    TRY(map(virtual_address, physical_address, page_size));
    virtual_address += page_size;
    physical_address += page_size;
    size -= page_size;
  }
  return {};
}

}  // namespace warmdump::synthetic
