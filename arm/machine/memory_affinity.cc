#include "arm/machine/memory_affinity.h"

#include <fmt/format.h>

#include <algorithm>

#include "arm/machine/little_endian.h"

namespace warmdump {
namespace {

constexpr std::size_t kTableHeader = 48;  // ACPI header of 36 bytes, 12 reserved ones
constexpr std::size_t kTableLength = 4;
constexpr std::size_t kTableRevision = 8;
constexpr std::uint8_t kMemoryAffinity = 1;
constexpr std::size_t kMemoryAffinitySize = 40;
constexpr std::uint32_t kEnabled = 1;
constexpr std::uint32_t kHotPluggable = 2;

}  // namespace

Outcome<std::vector<AffinityRange>> parse_memory_affinity(std::string_view table) {
  if (table.size() < kTableHeader || !table.starts_with("SRAT")) {
    return Failure(ErrorCode::corrupt, fmt::format("{} bytes that are no ACPI table SRAT", table.size()));
  }
  const std::size_t length = little_endian_32(table, kTableLength);
  if (length < kTableHeader || length > table.size()) {
    return Failure(ErrorCode::corrupt, fmt::format("byte {}: the table says it has {} bytes, the file has {}",
                                                   kTableLength, length, table.size()));
  }
  // Revision 1 has one byte of domain; what follows is reserved and not always zero.
  const bool short_domain = static_cast<std::uint8_t>(table[kTableRevision]) < 2;
  std::vector<AffinityRange> ranges;
  for (std::size_t at = kTableHeader; at < length;) {
    const std::size_t size = at + 2 <= length ? static_cast<std::uint8_t>(table[at + 1]) : 0;
    const auto type = static_cast<std::uint8_t>(table[at]);
    if (size < 2 || size > length - at || (type == kMemoryAffinity && size < kMemoryAffinitySize)) {
      return Failure(ErrorCode::corrupt, fmt::format("byte {}: a structure of {} bytes", at, size));
    }
    const std::string_view structure = table.substr(at, size);
    at += size;
    if (type != kMemoryAffinity) continue;
    const std::uint32_t flags = little_endian_32(structure, 28);
    const AddressRange range{little_endian_64(structure, 8), little_endian_64(structure, 16)};
    if ((flags & kEnabled) == 0 || range.size == 0 || range.end() < range.start) continue;
    const std::uint32_t domain = little_endian_32(structure, 2);
    ranges.push_back({range, short_domain ? domain & 0xff : domain, (flags & kHotPluggable) != 0});
  }
  std::sort(ranges.begin(), ranges.end(),
            [](const AffinityRange& a, const AffinityRange& b) { return a.range.start < b.range.start; });
  return ranges;
}

}  // namespace warmdump
