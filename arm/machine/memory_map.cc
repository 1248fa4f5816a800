#include "arm/machine/memory_map.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>

namespace warmdump {
namespace {

constexpr std::size_t kIndentPerDepth = 2;

std::optional<std::uint64_t> parse_hex(std::string_view text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, 16);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

std::optional<MapEntry> parse_line(std::string_view line) {
  const std::size_t indent = std::min(line.find_first_not_of(' '), line.size());
  line.remove_prefix(indent);
  const auto dash = line.find('-');
  const auto colon = line.find(" : ");
  if (dash == std::string_view::npos || colon == std::string_view::npos || dash > colon) return std::nullopt;
  const auto first = parse_hex(line.substr(0, dash));
  const auto last = parse_hex(line.substr(dash + 1, colon - dash - 1));
  if (!first || !last || *last < *first || *last - *first == UINT64_MAX) return std::nullopt;
  return MapEntry{{*first, *last - *first + 1},
                  static_cast<unsigned>(indent / kIndentPerDepth),
                  std::string(line.substr(colon + 3))};
}

}  // namespace

std::string address_range_text(const AddressRange& range) {
  return fmt::format("{:#x}-{:#x}", range.start, range.end() - 1);
}

Outcome<MemoryMap> parse_memory_map(std::string_view iomem) {
  MemoryMap map;
  bool any_address = false;
  for (unsigned number = 1; !iomem.empty(); ++number) {
    const std::string_view line = iomem.substr(0, iomem.find('\n'));
    iomem.remove_prefix(std::min(line.size() + 1, iomem.size()));
    if (line.empty()) continue;
    auto entry = parse_line(line);
    if (!entry) {
      return Failure(ErrorCode::corrupt,
                     fmt::format("line {} is not a line of /proc/iomem: \"{}\"", number, line.substr(0, 80)));
    }
    any_address = any_address || entry->range.end() > 1;
    map.entries.push_back(std::move(*entry));
  }
  if (!map.entries.empty() && !any_address) {
    return Failure(ErrorCode::no_permission, "every address in /proc/iomem reads as 0: this needs root");
  }
  if (ranges_named(map, kSystemRamName).empty()) {
    return Failure(ErrorCode::corrupt, "the memory map has no System RAM");
  }
  return map;
}

Outcome<ByteCount> parse_block_size(std::string_view text) {
  while (text.ends_with('\n') || text.ends_with(' ')) text.remove_suffix(1);
  const auto size = parse_hex(text);
  if (!size || *size < 2 * kMiB || (*size & (*size - 1)) != 0) {
    return Failure(ErrorCode::corrupt, fmt::format("\"{}\" is not a memory block size", text.substr(0, 40)));
  }
  return *size;
}

MemoryMap plain_pc_memory_map(ByteCount ram_size) {
  constexpr PhysicalAddress kHoleStart = 3 * kGiB;
  constexpr PhysicalAddress kHoleEnd = 4 * kGiB;
  const ByteCount low = std::min<ByteCount>(ram_size, kHoleStart);
  MemoryMap map;
  const auto add = [&map](PhysicalAddress start, PhysicalAddress end, std::string_view name) {
    if (start < end) map.entries.push_back({{start, end - start}, 0, std::string(name)});
  };
  add(0x1000, std::min<PhysicalAddress>(0xa0000, low), kSystemRamName);
  add(0xa0000, kMiB, "Reserved");
  add(kMiB, low, kSystemRamName);
  add(kHoleStart, kHoleEnd, "Reserved");
  add(kHoleEnd, kHoleEnd + (ram_size - low), kSystemRamName);
  return map;
}

std::vector<AddressRange> ranges_named(const MemoryMap& map, std::string_view name) {
  std::vector<AddressRange> ranges;
  for (const MapEntry& entry : map.entries) {
    if (entry.depth == 0 && entry.name == name) ranges.push_back(entry.range);
  }
  return ranges;
}

}  // namespace warmdump
