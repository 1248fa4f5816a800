#include "common/arch/page_tables_x86_64.h"

#include <algorithm>

namespace warmdump {
namespace {

constexpr std::uint64_t kAddressMask = 0x000f'ffff'ffff'f000;

}  // namespace

PageTables::PageTables(PhysicalMemory& memory, PhysicalAddress root, bool five_levels,
                       std::uint64_t encryption_mask)
    : memory_(memory), root_(root), levels_(five_levels ? 5 : 4), encryption_mask_(encryption_mask) {}

PhysicalAddress PageTables::target_of(std::uint64_t entry) const {
  return entry & kAddressMask & ~encryption_mask_;
}

Result<const PageTables::Table*> PageTables::table(int level, PhysicalAddress address) {
  for (const Table& cached : tables_[level]) {
    if (cached.address == address) return &cached;
  }
  Table& fresh = tables_[level][next_way_++ % kWays];
  fresh.address = ~PhysicalAddress{0};
  TRY(memory_.read(address, std::as_writable_bytes(std::span(fresh.entries))));
  fresh.address = address;
  return &fresh;
}

Result<PageTables::Mapping> PageTables::translate(VirtualAddress address) {
  PhysicalAddress table_address = root_;
  for (int level = top_level(); level >= 0; --level) {
    const Table* here = TRY(table(level, table_address));
    const std::uint64_t entry = here->entries[(address >> level_shift(level)) % kEntries];
    if ((entry & kPresent) == 0) {
      return Error::make(ErrorCode::not_found, "not mapped").at(WhereKind::virtual_address, address);
    }
    const bool is_leaf = level == 0 || (level <= 2 && (entry & kLargePage) != 0);
    if (is_leaf) {
      const ByteCount size = ByteCount{1} << level_shift(level);
      const ByteCount inside = address % size;
      return Mapping{round_down(target_of(entry), size) + inside, size - inside};
    }
    table_address = target_of(entry);
  }
  return Error::make(ErrorCode::not_found, "not mapped").at(WhereKind::virtual_address, address);
}

Result<void> PageTables::read(VirtualAddress address, std::span<std::byte> target) {
  while (!target.empty()) {
    const Mapping mapping = TRY(translate(address));
    const auto length = std::min<ByteCount>(mapping.length, target.size());
    TRY(memory_.read(mapping.address, target.first(length)));
    target = target.subspan(length);
    address += length;
  }
  return {};
}

}  // namespace warmdump
