#include "arm/plan/memory_gaps.h"

#include <algorithm>

namespace warmdump {
namespace {

constexpr PhysicalAddress kLowestStart = 16 * kMiB;

// What lies directly inside System RAM, by address. Children of a region made by memmap= are our own.
std::vector<MapEntry> occupants(const MemoryMap& map) {
  std::vector<MapEntry> found;
  bool inside_ram = false;
  for (const MapEntry& entry : map.entries) {
    if (entry.depth == 0) inside_ram = entry.name == kSystemRamName;
    if (entry.depth == 1 && inside_ram) found.push_back(entry);
  }
  std::sort(found.begin(), found.end(),
            [](const MapEntry& a, const MapEntry& b) { return a.range.start < b.range.start; });
  return found;
}

}  // namespace

bool is_piece(const AddressRange& region, const std::vector<AddressRange>& regions) {
  return std::any_of(regions.begin(), regions.end(), [&](const AddressRange& other) {
    return other.end() == region.start || other.start == region.end();
  });
}

std::vector<AddressRange> ram_ranges(const MemoryMap& map) {
  std::vector<AddressRange> ranges = ranges_named(map, kSystemRamName);
  const std::vector<AddressRange> regions = ranges_named(map, kPersistentMemoryName);
  for (const AddressRange& region : regions) {
    if (!is_piece(region, regions)) ranges.push_back(region);
  }
  std::sort(ranges.begin(), ranges.end(),
            [](const AddressRange& a, const AddressRange& b) { return a.start < b.start; });
  std::vector<AddressRange> joined;
  for (const AddressRange& range : ranges) {
    if (!joined.empty() && range.start <= joined.back().end()) {
      joined.back().size = std::max(joined.back().end(), range.end()) - joined.back().start;
    } else {
      joined.push_back(range);
    }
  }
  return joined;
}

std::vector<AddressRange> free_gaps(const MemoryMap& map, const std::vector<AddressRange>& ram,
                                    std::vector<RefusedPlace>& refused) {
  const std::vector<MapEntry> taken = occupants(map);
  for (const MapEntry& occupant : taken) refused.push_back({occupant.range, "occupied by " + occupant.name});
  std::vector<AddressRange> gaps;
  for (const AddressRange& range : ram) {
    PhysicalAddress start = std::max(range.start, kLowestStart);
    for (const MapEntry& occupant : taken) {
      if (!range.overlaps(occupant.range)) continue;
      if (start < occupant.range.start) gaps.push_back({start, occupant.range.start - start});
      start = std::max(start, occupant.range.end());
    }
    if (start < range.end()) gaps.push_back({start, range.end() - start});
  }
  return gaps;
}

}  // namespace warmdump
