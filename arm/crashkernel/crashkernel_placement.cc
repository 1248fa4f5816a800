#include "arm/crashkernel/crashkernel_placement.h"

#include <fmt/format.h>

#include <algorithm>

#include "arm/machine/address_ranges.h"
#include "common/hosted/byte_count_text.h"

namespace warmdump {
namespace {

constexpr PhysicalAddress kDmaEnd = 16 * kMiB;  // of x86
constexpr ByteCount kPage = 4096;

// What stands in the way of [start, start + size): the sentence's end, "... is taken by Kernel code
// (0x..-0x..)".
std::string obstacle(const AddressRange& wanted, const BootMemory& memory) {
  for (const AddressRange& region : memory.regions) {
    if (region.overlaps(wanted)) {
      return fmt::format("lies in the region {} that memmap= takes out of RAM", address_range_text(region));
    }
  }
  const bool inside = std::any_of(memory.ram.begin(), memory.ram.end(),
                                  [&](const AddressRange& ram) { return ram.contains(wanted); });
  if (!inside) return "is not all RAM of one piece";
  for (const TakenMemory& taken : memory.taken) {
    if (taken.range.overlaps(wanted)) {
      return fmt::format("is taken by {} ({})", taken.name, address_range_text(taken.range));
    }
  }
  return "is memory that may be unplugged";
}

class Search {
 public:
  Search(const KernelReading& reading, const BootMemory& memory, const CrashkernelRules& rules)
      : reading_(reading), memory_(memory), rules_(rules), free_(free_memory(memory)) {}

  CrashkernelPlacement run() {
    CrashkernelPlacement placement;
    if (reading_.size == 0) {
      placement.failure = reading_.refusal;
      return placement;
    }
    placement.fixed = reading_.offset != 0;
    placement.range = placement.fixed ? fixed(placement.failure) : chosen(placement.failure);
    if (placement.range && placement.range->start >= rules_.low_end && reading_.low_size != 0) {
      free_ = without(free_, {*placement.range});
      placement.low = highest_free(free_, reading_.low_size, rules_.alignment, 0, rules_.low_end);
      if (!placement.low) {
        placement.failure = fmt::format(
            "{} of low memory, which go with memory above {:#x}, have no place below it: the kernel gives up "
            "the "
            "whole reservation. Write crashkernel=SIZE,high with a smaller crashkernel=SIZE,low",
            readable_byte_count(reading_.low_size), rules_.low_end);
        placement.range.reset();
      }
    }
    if (placement.range) describe(placement);
    return placement;
  }

 private:
  std::optional<AddressRange> fixed(std::string& failure) const {
    const AddressRange wanted{reading_.offset, reading_.size};
    if (wanted.end() < wanted.start) {
      failure = "the offset and the size together exceed 64 bits";
      return std::nullopt;
    }
    if (wanted.start % rules_.fixed_alignment != 0) {
      failure = fmt::format(
          "the offset {:#x} is not a multiple of {}: the kernel then says that the memory is in "
          "use and reserves nothing. Write {:#x}",
          wanted.start, exact_byte_count(rules_.fixed_alignment),
          round_up(wanted.start, rules_.fixed_alignment));
      return std::nullopt;
    }
    const bool is_free = std::any_of(free_.begin(), free_.end(),
                                     [&](const AddressRange& area) { return area.contains(wanted); });
    if (is_free) return wanted;
    failure = fmt::format("{} {}: the kernel reserves nothing. Choose another offset, or leave it out",
                          address_range_text(wanted), obstacle(wanted, memory_));
    return std::nullopt;
  }

  std::optional<AddressRange> chosen(std::string& failure) const {
    const auto in = [this](PhysicalAddress start, PhysicalAddress end) {
      return highest_free(free_, reading_.size, rules_.alignment, start, end);
    };
    const PhysicalAddress above = rules_.common_code ? rules_.low_end : rules_.alignment;
    auto range = reading_.high ? in(above, rules_.high_end) : in(0, rules_.low_end);
    if (!range && reading_.high) range = in(0, rules_.low_end);
    if (!range && !reading_.high) range = in(above, rules_.high_end);
    if (!range) {
      failure = fmt::format("no free piece of RAM holds {} at a multiple of {}: use a smaller size",
                            readable_byte_count(reading_.size), exact_byte_count(rules_.alignment));
    }
    return range;
  }

  void describe(CrashkernelPlacement& placement) const {
    if (!placement.fixed) {
      for (const AddressRange& area : free_memory(memory_)) {
        if (area.contains(*placement.range)) placement.slack = area.end() - placement.range->end();
      }
    }
    for (const AddressRange& plugged : memory_.hotpluggable) {
      for (const auto& part : {placement.range, placement.low}) {
        if (!part || !part->overlaps(plugged)) continue;
        placement.collisions.push_back(
            fmt::format("{} lies in memory that may be unplugged ({}), and keeps it from being so",
                        address_range_text(*part), address_range_text(plugged)));
      }
    }
  }

  const KernelReading& reading_;
  const BootMemory& memory_;
  const CrashkernelRules& rules_;
  std::vector<AddressRange> free_;
};

}  // namespace

CrashkernelPlacement place_crashkernel(const KernelReading& reading, const BootMemory& memory,
                                       const CrashkernelRules& rules) {
  return Search(reading, memory, rules).run();
}

std::string_view zone_of(PhysicalAddress address, const CrashkernelRules& rules) {
  if (rules.architecture == Architecture::arm64) return address < rules.low_end ? "DMA" : "Normal";
  if (address < kDmaEnd) return "DMA";
  return address < 4 * kGiB ? "DMA32" : "Normal";
}

std::optional<AddressRange> highest_free(const std::vector<AddressRange>& free, ByteCount size,
                                         ByteCount alignment, PhysicalAddress start, PhysicalAddress end) {
  const PhysicalAddress lowest = std::max(start, kPage);
  for (auto area = free.rbegin(); area != free.rend(); ++area) {
    const PhysicalAddress area_start = std::max(area->start, lowest);
    const PhysicalAddress area_end = std::min(area->end(), end);
    if (area_end < size) continue;
    const PhysicalAddress candidate = round_down(area_end - size, alignment);
    if (candidate >= area_start && area_start < area_end) return AddressRange{candidate, size};
  }
  return std::nullopt;
}

}  // namespace warmdump
