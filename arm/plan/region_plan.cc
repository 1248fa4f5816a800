#include "arm/plan/region_plan.h"

#include <fmt/format.h>

#include <algorithm>

#include "arm/load/crash_command_line.h"
#include "arm/machine/command_line.h"
#include "arm/plan/memory_gaps.h"
#include "common/hosted/byte_count_text.h"

namespace warmdump {
namespace {

constexpr PhysicalAddress kFourGib = 4 * kGiB;
constexpr ByteCount kDefaultSizeMin = 128 * kMiB;
constexpr ByteCount kDefaultRamShare = 16;  // of RAM, 1/16
constexpr ByteCount kInitrdRoom = 512 * kMiB;
constexpr ByteCount kBytesPerStructPage = 4096 / 64;

// The highest well-formed region of `block_count` blocks inside `gap` that ends at or below `end_max`.
std::optional<AddressRange> highest_fit(const AddressRange& gap, std::uint64_t block_count,
                                        ByteCount block_size, PhysicalAddress end_max) {
  const PhysicalAddress end = round_down(std::min(gap.end(), end_max), block_size);
  const ByteCount size = block_count * block_size + kRegionLead;
  if (end < size || end - size < gap.start) return std::nullopt;
  return AddressRange{end - size, size};
}

std::uint64_t blocks_in(const AddressRange& gap, ByteCount block_size) {
  const PhysicalAddress first = round_up(gap.start + kRegionLead, block_size);
  const PhysicalAddress last = round_down(gap.end(), block_size);
  return first < last ? (last - first) / block_size : 0;
}

bool well_formed(const AddressRange& region, ByteCount block_size) {
  return (region.start + kRegionLead) % block_size == 0 && region.size > kRegionLead &&
         (region.size - kRegionLead) % block_size == 0;
}

// How much RAM has to stay above the region, the most wanted first.
std::vector<ByteCount> rooms_above(ByteCount block_size) {
  return {round_up(std::max(kInitrdRoom, block_size), block_size), block_size, 4096, 0};
}

// The highest address with `room` bytes of RAM above it; 0 when there is not so much.
PhysicalAddress end_leaving(const std::vector<AddressRange>& ram, ByteCount room) {
  for (auto range = ram.rbegin(); range != ram.rend(); ++range) {
    if (room <= range->size) return range->end() - room;
    room -= range->size;
  }
  return 0;
}

std::optional<AddressRange> place(const std::vector<AddressRange>& gaps, const std::vector<AddressRange>& ram,
                                  std::uint64_t block_count, ByteCount block_size) {
  for (const ByteCount room : rooms_above(block_size)) {
    const PhysicalAddress end_max = end_leaving(ram, room);
    for (auto gap = gaps.rbegin(); gap != gaps.rend(); ++gap) {
      if (const auto fit = highest_fit(*gap, block_count, block_size, end_max)) return fit;
    }
  }
  return std::nullopt;
}

Outcome<std::uint64_t> choose_block_count(const PlanRequest& request, ByteCount ram_size, ByteCount room,
                                          std::uint64_t blocks_max) {
  const ByteCount block_size = request.block_size;
  if (request.size) {
    if (*request.size == 0 || *request.size > ram_size) {
      return Failure(ErrorCode::invalid,
                     fmt::format("a region of {} makes no sense with {} of RAM",
                                 readable_byte_count(*request.size), readable_byte_count(ram_size)));
    }
    const ByteCount payload = *request.size > kRegionLead ? *request.size - kRegionLead : 1;
    return round_up(payload, block_size) / block_size;
  }
  const ByteCount share = round_up(std::max(ram_size / kDefaultRamShare, kDefaultSizeMin), block_size);
  const std::uint64_t most =
      std::min<std::uint64_t>(blocks_max, room > kRegionLead ? (room - kRegionLead) / block_size : 0);
  return std::max<std::uint64_t>(1, std::min(share / block_size, most));
}

// A region is made of RAM of one kind: below 4 GiB, or above.
std::vector<AddressRange> split_at_four_gib(const std::vector<AddressRange>& ranges) {
  std::vector<AddressRange> result;
  for (const AddressRange& gap : ranges) {
    if (gap.start < kFourGib && gap.end() > kFourGib) {
      result.push_back({gap.start, kFourGib - gap.start});
      result.push_back({kFourGib, gap.end() - kFourGib});
    } else {
      result.push_back(gap);
    }
  }
  return result;
}

void fill_in(RegionPlan& plan, const PlanRequest& request, const AddressRange& region) {
  plan.region = region;
  plan.block_size = request.block_size;
  plan.returned_size = region.size - kRegionLead;
  plan.never_returned = kRegionLead;
  plan.struct_page_size = plan.returned_size / kBytesPerStructPage;
  plan.running_options = running_command_line_options(region);
  plan.crash_options = crash_command_line_options(region);
}

void warn_below_four_gib(RegionPlan& plan, bool any_ram_above) {
  plan.warnings.push_back(fmt::format(
      "the region lies below 4 GiB because {}; devices and firmware that need low memory have that much less "
      "while "
      "it is not returned",
      any_ram_above ? "no RAM above 4 GiB has room for it" : "this machine has no RAM above 4 GiB"));
}

}  // namespace

Outcome<RegionPlan> plan_region(const PlanRequest& request) {
  const ByteCount block_size = request.block_size;
  if (block_size < kRegionLead || (block_size & (block_size - 1)) != 0) {
    return Failure(ErrorCode::invalid,
                   fmt::format("{} is not a memory block size: a power of two of at least 2M",
                               exact_byte_count(block_size)));
  }
  const std::vector<AddressRange> ram = ram_ranges(request.map);
  const std::vector<AddressRange> existing = ranges_named(request.map, kPersistentMemoryName);
  RegionPlan plan;
  for (const AddressRange& range : ram) plan.ram_size += range.size;
  if (ram.empty()) return Failure(ErrorCode::invalid, "the memory map has no RAM");
  const PhysicalAddress ram_end = ram.back().end();

  std::vector<AddressRange> high;
  std::vector<AddressRange> low;
  std::uint64_t blocks_max = 0;
  for (const AddressRange& gap : split_at_four_gib(free_gaps(request.map, ram, plan.refused))) {
    const std::uint64_t blocks = blocks_in(gap, block_size);
    blocks_max = std::max(blocks_max, blocks);
    if (blocks > 0) {
      (gap.start >= kFourGib ? high : low).push_back(gap);
    } else if (gap.size >= block_size) {
      plan.refused.push_back({gap, fmt::format("too small: no whole memory block of {} after the first 2 MiB",
                                               readable_byte_count(block_size))});
    }
  }

  const ByteCount system_part = std::max(plan.ram_size / 2, kSystemRamMin);
  const ByteCount room = plan.ram_size > system_part ? plan.ram_size - system_part : 0;
  const std::uint64_t block_count = TRY(choose_block_count(request, plan.ram_size, room, blocks_max));
  const ByteCount size = block_count * block_size + kRegionLead;
  const ByteCount size_max =
      std::min<ByteCount>(blocks_max, room > kRegionLead ? (room - kRegionLead) / block_size : 0) *
      block_size;

  for (const AddressRange& region : existing) {
    const bool keep =
        existing.size() == 1 && well_formed(region, block_size) && (!request.size || region.size == size);
    if (!keep) continue;
    plan.active = true;
    fill_in(plan, request, region);
    if (region.start < kFourGib) warn_below_four_gib(plan, ram_end > kFourGib);
    return plan;
  }
  for (const AddressRange& region : existing) {
    plan.warnings.push_back(fmt::format(
        "the running kernel has a region at {} ({}); {}: remove its memmap= from the boot loader when you "
        "add the new one",
        address_range_text(region), readable_byte_count(region.size),
        is_piece(region, existing) ? "it is a piece of a cut one and may not be RAM, the plan avoids it"
                                   : "the plan treats it as the RAM it came from"));
  }

  if (block_count * block_size > size_max) {
    return Failure(
        ErrorCode::no_space,
        size_max == 0
            ? fmt::format(
                  "this machine has no place for a region: {} of RAM, {} must stay with the system, and a "
                  "region needs a free memory block of {}",
                  readable_byte_count(plan.ram_size), readable_byte_count(system_part),
                  readable_byte_count(block_size))
            : fmt::format("a region of {} does not fit; the largest possible one is {}",
                          readable_byte_count(size), exact_byte_count(size_max)));
  }
  auto placement = place(high, ram, block_count, block_size);
  // A default size gives way to the better place; a size asked for does not.
  for (std::uint64_t fewer = block_count - 1; !placement && !request.size && fewer > 0; --fewer) {
    placement = place(high, ram, fewer, block_size);
  }
  if (!placement) {
    for (const AddressRange& gap : high) {
      plan.refused.push_back({gap, fmt::format("too small for {}", readable_byte_count(size))});
    }
    // Boot loaders that stay below 4 GiB need their room there.
    std::vector<AddressRange> low_ram = split_at_four_gib(ram);
    std::erase_if(low_ram, [](const AddressRange& range) { return range.start >= kFourGib; });
    placement = place(low, low_ram, block_count, block_size);
    if (placement) warn_below_four_gib(plan, ram_end > kFourGib);
  }
  if (!placement) {
    return Failure(ErrorCode::no_space,
                   fmt::format("no stretch of free RAM holds a region of {}", readable_byte_count(size)));
  }
  fill_in(plan, request, *placement);
  if (placement->end() >= ram_end) {
    plan.warnings.emplace_back(
        "the region is the top of RAM: on a machine whose firmware gives no memory affinity table (SRAT) the "
        "kernel "
        "will not take it back as RAM, and boot loaders like to put their initrd there");
  }
  return plan;
}

}  // namespace warmdump
