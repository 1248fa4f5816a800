#include "arm/plan/region_plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "arm/plan/placement.h"
#include "arm/plan/plan_words.h"
#include "common/hosted/byte_count_text.h"

namespace warmdump {
namespace {

constexpr ByteCount kDefaultSizeMin = 128 * kMiB;
constexpr ByteCount kDefaultRamShare = 16;  // of RAM, 1/16

struct Size {
  std::uint64_t blocks = 0;
  bool asked_for = false;
};

Outcome<Size> choose_size(const PlanRequest& request, ByteCount ram_size, std::uint64_t blocks_max) {
  const ByteCount block_size = request.machine.block_size;
  if (request.size) {
    if (*request.size == 0 || *request.size > ram_size) {
      return Failure(ErrorCode::invalid,
                     fmt::format("a region of {} makes no sense with {} of RAM",
                                 readable_byte_count(*request.size), readable_byte_count(ram_size)));
    }
    const ByteCount payload = *request.size > kRegionLead ? *request.size - kRegionLead : 1;
    return Size{round_up(payload, block_size) / block_size, true};
  }
  const ByteCount share = round_up(std::max(ram_size / kDefaultRamShare, kDefaultSizeMin), block_size);
  return Size{std::clamp<std::uint64_t>(share / block_size, 1, std::max<std::uint64_t>(blocks_max, 1)),
              false};
}

std::optional<Placement> place(const PlaceChoice& choice, const Size& size) {
  if (auto high = best_placement(choice, size.blocks, Height::above_four_gib)) return high;
  if (size.asked_for) return best_placement(choice, size.blocks, Height::anywhere);
  const std::uint64_t least = std::max<std::uint64_t>(1, size.blocks / 4);
  for (std::uint64_t fewer = size.blocks - 1; fewer >= least && fewer > 0; --fewer) {
    if (auto high = best_placement(choice, fewer, Height::above_four_gib)) return high;
  }
  return best_placement(choice, size.blocks, Height::anywhere);
}

// Why the region that exists must not stay; empty when it can.
std::string objection_to(const Machine& machine, const PlaceChoice& choice,
                         const std::vector<RefusedPlace>& refused, const AddressRange& region) {
  if (!well_formed(region, machine.block_size)) {
    return fmt::format("it does not start 2 MiB before a memory block of {} or does not end with one",
                       readable_byte_count(machine.block_size));
  }
  for (const RefusedPlace& place : refused) {
    if (place.range.overlaps(region)) return place.reason;
  }
  if (std::none_of(choice.pieces.begin(), choice.pieces.end(),
                   [&](const AddressRange& piece) { return piece.contains(region); })) {
    return "it lies across a border of the firmware's RAM, of a NUMA node or of 4 GiB";
  }
  const Placement placement = placement_at(choice, region, node_of(machine, region));
  const bool taken_back =
      std::any_of(machine.map.entries.begin(), machine.map.entries.end(), [&](const MapEntry& entry) {
        return entry.name.starts_with("System RAM (") && region.contains(entry.range);
      });
  if (placement.top_of_ram && !choice.top_has_node && !taken_back) {
    return "at the top of RAM the kernel knows no NUMA node for it, and will not take it back";
  }
  return {};
}

void warn_of_regions(const Machine& machine, RegionPlan& plan, const std::string& objection) {
  const auto own = own_region(machine);
  for (const AddressRange& region : ranges_named(machine.map, kPersistentMemoryName)) {
    if (plan.active && region == plan.region) continue;
    plan.warnings.push_back(
        region == own
            ? fmt::format("the running kernel has a region at {} ({}){}{}; the plan takes it for the RAM it "
                          "came from: remove its memmap= from the boot loader when you add the new one",
                          address_range_text(region), readable_byte_count(region.size),
                          objection.empty() ? "" : ", but ", objection)
            : fmt::format("{} ({}) is persistent memory of another kind, somebody else's or a piece of a "
                          "region that the kernel cut: the plan keeps off it",
                          address_range_text(region), readable_byte_count(region.size)));
  }
}

Failure no_place(const PlanRequest& request, const PlaceChoice& choice,
                 const std::vector<RefusedPlace>& refused, ByteCount wanted, std::uint64_t blocks_max) {
  const ByteCount block_size = request.machine.block_size;
  if (blocks_max > 0) {
    return Failure(ErrorCode::no_space,
                   fmt::format("a region of {} does not fit; the largest possible one is {}",
                               readable_byte_count(wanted), exact_byte_count(blocks_max * block_size)));
  }
  std::map<std::string, ByteCount> sizes;
  for (const RefusedPlace& place : refused) {
    for (const AddressRange& part : common_parts(choice.ram, {place.range}))
      sizes[refusal_name(place.kind)] += part.size;
  }
  std::string why;
  for (const auto& [name, size] : sizes) why += fmt::format(", {} of it {}", readable_byte_count(size), name);
  return Failure(
      ErrorCode::no_space,
      fmt::format("this machine has no place for a region: {} of RAM{}; at least {} must stay with "
                  "the system, and a region needs a free memory block of {} with RAM above it",
                  readable_byte_count(total_size(choice.ram)), why,
                  readable_byte_count(system_part(total_size(choice.ram))), readable_byte_count(block_size)));
}

// What would have been better, but for its size.
void refuse_small_places(const PlaceChoice& choice, const Placement& chosen,
                         std::vector<RefusedPlace>& refused) {
  const ByteCount block_size = choice.block_size;
  const std::uint64_t wanted = (chosen.region.size - kRegionLead) / block_size;
  for (const FreePlace& place : choice.free) {
    const std::uint64_t blocks = blocks_in(place.range, block_size);
    if (blocks == 0 && place.range.size >= block_size) {
      refused.push_back({place.range,
                         fmt::format("too small: no whole memory block of {} after the first 2 MiB",
                                     readable_byte_count(block_size)),
                         RefusalKind::too_small});
    } else if (chosen.below_four_gib && place.range.start >= kFourGib && blocks > 0) {
      refused.push_back({place.range,
                         blocks < wanted
                             ? fmt::format("too small for {}", readable_byte_count(chosen.region.size))
                             : "too small with RAM left above it",
                         RefusalKind::too_small});
    }
  }
}

}  // namespace

Outcome<RegionPlan> plan_region(const PlanRequest& request) {
  const Machine& machine = request.machine;
  const ByteCount block_size = machine.block_size;
  if (block_size < kRegionLead || (block_size & (block_size - 1)) != 0) {
    return Failure(ErrorCode::invalid,
                   fmt::format("{} is not a memory block size: a power of two of at least 2M",
                               exact_byte_count(block_size)));
  }
  RegionPlan plan;
  plan.unknown = machine.unknown;
  plan.refused = refused_places(machine);
  const PlaceChoice choice = make_place_choice(machine, plan.refused);
  plan.ram_size = total_size(choice.ram);
  if (plan.ram_size == 0) return Failure(ErrorCode::invalid, "the memory map has no RAM of its own");

  const ByteCount system = system_part(plan.ram_size);
  const ByteCount room = plan.ram_size > system + kRegionLead ? plan.ram_size - system - kRegionLead : 0;
  const std::uint64_t blocks_max = std::min<std::uint64_t>(most_blocks(choice), room / block_size);
  const Size size = TRY(choose_size(request, plan.ram_size, blocks_max));
  const ByteCount region_size = size.blocks * block_size + kRegionLead;

  std::string objection;
  if (const auto region = own_region(machine)) {
    objection = objection_to(machine, choice, plan.refused, *region);
    plan.active = objection.empty() && (!request.size || region->size == region_size);
    if (plan.active) {
      describe(plan, machine, choice, placement_at(choice, *region, node_of(machine, *region)));
      warn_of_regions(machine, plan, objection);
      return plan;
    }
  }
  auto placement = size.blocks <= blocks_max ? place(choice, size) : std::nullopt;
  if (!placement) return no_place(request, choice, plan.refused, region_size, blocks_max);
  if (const auto other = best_placement(choice, (placement->region.size - kRegionLead) / block_size,
                                        placement->below_four_gib ? Height::anywhere : Height::above_four_gib,
                                        placement->region)) {
    plan.runner_up = other->region;
  }
  refuse_small_places(choice, *placement, plan.refused);
  describe(plan, machine, choice, *placement);
  warn_of_regions(machine, plan, objection);
  return plan;
}

}  // namespace warmdump
