#include "arm/machine/address_ranges.h"

#include <algorithm>

namespace warmdump {
namespace {

void sort_by_address(AddressRanges& ranges) {
  std::sort(ranges.begin(), ranges.end(),
            [](const AddressRange& a, const AddressRange& b) { return a.start < b.start; });
}

}  // namespace

AddressRanges joined(AddressRanges ranges) {
  sort_by_address(ranges);
  AddressRanges result;
  for (const AddressRange& range : ranges) {
    if (!result.empty() && range.start <= result.back().end()) {
      result.back().size = std::max(result.back().end(), range.end()) - result.back().start;
    } else {
      result.push_back(range);
    }
  }
  return result;
}

AddressRanges without(const AddressRanges& ranges, const AddressRanges& cuts) {
  const AddressRanges sorted_cuts = joined(cuts);
  AddressRanges result;
  for (const AddressRange& range : ranges) {
    PhysicalAddress start = range.start;
    for (const AddressRange& cut : sorted_cuts) {
      if (!cut.overlaps(range)) continue;
      if (start < cut.start) result.push_back({start, cut.start - start});
      start = std::max(start, cut.end());
    }
    if (start < range.end()) result.push_back({start, range.end() - start});
  }
  return result;
}

AddressRanges common_parts(const AddressRanges& ranges, const AddressRanges& others) {
  AddressRanges result;
  for (const AddressRange& range : ranges) {
    for (const AddressRange& other : others) {
      if (!range.overlaps(other)) continue;
      const PhysicalAddress start = std::max(range.start, other.start);
      result.push_back({start, std::min(range.end(), other.end()) - start});
    }
  }
  sort_by_address(result);
  return result;
}

AddressRanges split_at(const AddressRanges& ranges, PhysicalAddress address) {
  AddressRanges result;
  for (const AddressRange& range : ranges) {
    if (range.start < address && address < range.end()) {
      result.push_back({range.start, address - range.start});
      result.push_back({address, range.end() - address});
    } else {
      result.push_back(range);
    }
  }
  return result;
}

ByteCount total_size(const AddressRanges& ranges) {
  ByteCount size = 0;
  for (const AddressRange& range : ranges) size += range.size;
  return size;
}

}  // namespace warmdump
