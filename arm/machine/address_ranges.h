// Arithmetic over lists of address ranges.

#pragma once

#include <vector>

#include "arm/machine/memory_map.h"

namespace warmdump {

using AddressRanges = std::vector<AddressRange>;

// By address; what touches or overlaps becomes one.
AddressRanges joined(AddressRanges ranges);

// `ranges` without what `cuts` cover. Order is kept, nothing is joined.
AddressRanges without(const AddressRanges& ranges, const AddressRanges& cuts);

// Every overlap of a range of `ranges` with one of `others`, by address, nothing joined.
AddressRanges common_parts(const AddressRanges& ranges, const AddressRanges& others);

// `ranges` with a border at `address`: no result lies on both sides.
AddressRanges split_at(const AddressRanges& ranges, PhysicalAddress address);

ByteCount total_size(const AddressRanges& ranges);

}  // namespace warmdump
