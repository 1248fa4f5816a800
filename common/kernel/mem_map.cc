#include "common/kernel/mem_map.h"

namespace warmdump {
namespace {

constexpr unsigned kPageBits = 12;
// x86_64's only value; the key came with Linux commit 4f5aecdff25f ("crash_core, vmcoreinfo: append
// 'SECTION_SIZE_BITS' to vmcoreinfo") (in v5.14).
constexpr std::int64_t kSectionSizeBitsDefault = 27;

// What x86_64 has with five levels of page tables: 52 bits of memory in sections of 128 MiB. Bounds every
// walk.
constexpr std::int64_t kSectionCountBitsMax = 25;

// Below the address of the map, section_mem_map carries flags. Their number grows (5 before 6.15, then 6);
// the address itself is page aligned.
constexpr std::uint64_t kSectionFlagsMask = 0xfff;
constexpr std::uint64_t kSectionPresent = 1 << 0;
constexpr std::uint64_t kSectionHasMemMap = 1 << 1;
constexpr std::uint64_t kSectionOnline = 1 << 2;

// Struct pages are classified in blocks that must not cross a section.
constexpr std::int64_t kSectionSizeBitsMin = 24;

}  // namespace

Result<MemMap> MemMap::from_vmcoreinfo(const Vmcoreinfo& info, PageTables& page_tables,
                                       ByteCount struct_page_size) {
  const auto roots = info.symbol("mem_section");
  const auto root_count = info.length("mem_section");
  const auto section_size = info.size("mem_section");
  const auto map_offset = info.offset("mem_section.section_mem_map");
  const auto physical_bits = info.number("MAX_PHYSMEM_BITS");
  if (!roots || !root_count || !section_size || !map_offset) {
    return Error::make(ErrorCode::not_found, "VMCOREINFO does not describe the memory map (no mem_section)");
  }
  const std::int64_t section_bits = info.number("SECTION_SIZE_BITS").value_or(kSectionSizeBitsDefault);
  const bool five_levels = info.number("pgtable_l5_enabled").value_or(0) != 0;
  const std::int64_t memory_bits = physical_bits.value_or(five_levels ? 52 : 46);
  if (section_bits < kSectionSizeBitsMin || section_bits >= 48 || memory_bits <= section_bits ||
      memory_bits > 52 || memory_bits - section_bits > kSectionCountBitsMax || *section_size < 8 ||
      *section_size > kRootSize || *map_offset + 8 > *section_size) {
    return Error::make(ErrorCode::corrupt, "VMCOREINFO describes an impossible memory map");
  }

  MemMap map(page_tables);
  map.roots_ = *roots;
  map.root_count_ = *root_count;
  map.section_size_ = *section_size;
  map.map_offset_ = *map_offset;
  map.struct_page_size_ = struct_page_size;
  map.section_pfn_bits_ = static_cast<unsigned>(section_bits) - kPageBits;

  const std::uint64_t section_count = std::uint64_t{1} << (memory_bits - section_bits);
  const std::uint64_t per_root = kRootSize / *section_size;
  if (*root_count > section_count) {
    return Error::make(ErrorCode::corrupt,
                       "VMCOREINFO has more section roots than the machine can have sections");
  }
  map.is_extreme_ = *root_count == (section_count + per_root - 1) / per_root;
  map.sections_per_root_ = map.is_extreme_ ? per_root : 1;

  // The kernel's own memory is online. If its section does not say so, the bit means something else here.
  const auto text = info.symbol("_stext");
  const auto image = text ? page_tables.translate(*text) : Error::make(ErrorCode::not_found, "no _stext");
  map.online_is_told_ = image.has_value() && map.load_section(image->address >> kPageBits).has_value() &&
                        (map.cached_map_ & kSectionOnline) != 0;
  return map;
}

Result<VirtualAddress> MemMap::root_address(std::uint64_t root) {
  const VirtualAddress slot = roots_ + root * sizeof(VirtualAddress);
  VirtualAddress address = 0;
  TRY(page_tables_->read(slot, std::as_writable_bytes(std::span(&address, 1))));
  return address;
}

Result<std::uint64_t> MemMap::coded_map(std::uint64_t section) {
  const std::uint64_t root = section / sections_per_root_;
  if (root >= root_count_) return std::uint64_t{0};
  VirtualAddress base = roots_ + root * section_size_;
  if (is_extreme_) base = TRY(root_address(root));
  if (base == 0) return std::uint64_t{0};

  const VirtualAddress slot = base + (section % sections_per_root_) * section_size_ + map_offset_;
  std::uint64_t coded = 0;
  TRY(page_tables_->read(slot, std::as_writable_bytes(std::span(&coded, 1))));
  return coded;
}

Result<void> MemMap::load_section(Pfn pfn) {
  const std::uint64_t section = pfn >> section_pfn_bits_;
  if (section == cached_section_) return {};
  cached_section_ = ~std::uint64_t{0};
  cached_map_ = TRY(coded_map(section));
  cached_section_ = section;
  return {};
}

bool MemMap::is_online(Pfn pfn) {
  return !online_is_told_ || (load_section(pfn).has_value() && (cached_map_ & kSectionOnline) != 0);
}

Result<VirtualAddress> MemMap::page_address(Pfn pfn) {
  TRY(load_section(pfn));
  if ((cached_map_ & kSectionPresent) == 0 || (cached_map_ & kSectionHasMemMap) == 0) {
    return Error::make(ErrorCode::not_found, "no memory map").at(WhereKind::pfn, pfn);
  }
  return (cached_map_ & ~kSectionFlagsMask) + pfn * struct_page_size_;
}

}  // namespace warmdump
