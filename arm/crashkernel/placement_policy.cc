#include "arm/crashkernel/placement_policy.h"

#include <fmt/format.h>

#include <algorithm>

namespace warmdump {
namespace {

std::optional<AddressRange> next_free_above(const std::vector<AddressRange>& free, const AddressRange& wanted,
                                            ByteCount alignment) {
  for (const AddressRange& area : free) {
    const PhysicalAddress lowest = std::max(area.start, wanted.start);
    if (lowest > UINT64_MAX - alignment) continue;
    const PhysicalAddress start = round_up(lowest, alignment);
    if (start < area.end() && area.end() - start >= wanted.size) return AddressRange{start, wanted.size};
  }
  return std::nullopt;
}

bool holds(const std::vector<AddressRange>& free, const AddressRange& wanted) {
  return wanted.end() >= wanted.start && std::any_of(free.begin(), free.end(), [&](const AddressRange& area) {
           return area.contains(wanted);
         });
}

void translate(PolicyPlacement& placement, const CrashkernelOption& option, const CrashkernelRules& rules) {
  const AddressRange& range = *placement.range;
  if (range.start == 0) {
    placement.untranslatable = "kernels of today read @0 as: wherever there is room";
  } else if (range.start % rules.fixed_alignment != 0) {
    placement.untranslatable =
        fmt::format("this kernel takes no offset that is not a multiple of {:#x}", rules.fixed_alignment);
  } else {
    CrashkernelOption today = option;
    today.offset = range.start;
    today.policies.clear();
    placement.for_this_kernel = std::string(kCrashkernelPrefix) + crashkernel_option_text(today);
  }
}

}  // namespace

PolicyPlacement place_by_policy(const CrashkernelOption& option, const BootMemory& memory,
                                const CrashkernelRules& rules) {
  PolicyPlacement placement;
  const std::vector<AddressRange> free = free_memory(memory);
  const AddressRange wanted{*option.offset, option.size};
  const ByteCount alignment = std::max(rules.alignment, rules.fixed_alignment);
  if (option.size == 0) {
    placement.failure = "its size is 0";
    return placement;
  }
  if (holds(free, wanted)) {
    placement.range = wanted;
    placement.at_offset = true;
  }
  for (const PlacementPolicy policy : option.policies) {
    if (placement.range) break;
    switch (policy) {
      case PlacementPolicy::bottom_up:
        placement.range = next_free_above(free, wanted, alignment);
        break;
    }
  }
  if (placement.range) {
    translate(placement, option, rules);
  } else {
    placement.failure =
        option.policies.empty()
            ? fmt::format("{:#x} is not free, and no policy says what else to do: write {}#BU", wanted.start,
                          crashkernel_option_text(option))
            : fmt::format("neither at {:#x} nor by its policies is there a free place", wanted.start);
  }
  return placement;
}

}  // namespace warmdump
