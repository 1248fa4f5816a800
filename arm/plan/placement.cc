#include "arm/plan/placement.h"

#include <algorithm>
#include <tuple>

#include "arm/plan/boot_ram.h"

namespace warmdump {
namespace {

// Firmware, old boot loaders and the kernel's image want to be there.
constexpr PhysicalAddress kLowestStart = 16 * kMiB;
constexpr ByteCount kLowRamKept = kGiB;

// How much RAM should stay above the region, the most wanted first.
std::vector<ByteCount> rooms_above(ByteCount block_size) {
  return {round_up(std::max(kLoaderRoom, block_size), block_size), block_size, kPageSize, 0};
}

std::size_t room_rank(ByteCount ram_above, ByteCount block_size) {
  const auto rooms = rooms_above(block_size);
  std::size_t rank = 0;
  while (ram_above < rooms[rank]) ++rank;
  return rank;
}

// The highest address with `room` bytes of RAM above it; 0 when there is not so much.
PhysicalAddress end_leaving(const AddressRanges& ram, ByteCount room) {
  for (auto range = ram.rbegin(); range != ram.rend(); ++range) {
    if (room <= range->size) return range->end() - room;
    room -= range->size;
  }
  return 0;
}

ByteCount ram_between(const AddressRanges& ram, PhysicalAddress start, PhysicalAddress end) {
  return start < end ? total_size(common_parts(ram, {{start, end - start}})) : 0;
}

AddressRanges low_part(const AddressRanges& ram) {
  return common_parts(ram, {{0, kFourGib}});
}

ByteCount low_ram_kept(ByteCount low_ram) {
  return std::min(kLowRamKept, low_ram / 2);
}

std::optional<AddressRange> highest_fit(const AddressRange& place, std::uint64_t block_count,
                                        ByteCount block_size, PhysicalAddress end_max) {
  const PhysicalAddress end = round_down(std::min(place.end(), end_max), block_size);
  const ByteCount size = block_count * block_size + kRegionLead;
  if (end < size || end - size < place.start) return std::nullopt;
  return AddressRange{end - size, size};
}

bool on_a_small_node(const PlaceChoice& choice, const Placement& placement) {
  if (!placement.node) return false;
  ByteCount most = 0;
  for (const auto& [node, ram] : choice.node_ram) most = std::max(most, ram);
  const auto found = choice.node_ram.find(*placement.node);
  return found != choice.node_ram.end() && found->second < most - most / 8;
}

bool better(const PlaceChoice& choice, const Placement& a, const Placement& b) {
  const auto key = [&](const Placement& placement) {
    return std::make_tuple(placement.below_four_gib, room_rank(placement.ram_above, choice.block_size),
                           placement.most_of_its_node, on_a_small_node(choice, placement),
                           ~placement.region.start);
  };
  return key(a) < key(b);
}

bool allowed(const PlaceChoice& choice, const Placement& placement) {
  if (placement.top_of_ram && !choice.top_has_node) return false;
  return !placement.below_four_gib ||
         placement.ram_below_four_gib_left >= low_ram_kept(total_size(low_part(choice.ram)));
}

std::optional<Placement> best_of(const PlaceChoice& choice, const std::vector<FreePlace>& places,
                                 std::uint64_t block_count, Height height,
                                 const std::optional<AddressRange>& taken) {
  const AddressRanges low_ram = low_part(choice.ram);
  std::optional<Placement> best;
  for (const FreePlace& place : places) {
    const bool low = place.range.start < kFourGib;
    if (low && height == Height::above_four_gib) continue;
    const AddressRanges parts = taken ? without({place.range}, {*taken}) : AddressRanges{place.range};
    for (const AddressRange& part : parts) {
      for (const ByteCount room : rooms_above(choice.block_size)) {
        const auto region =
            highest_fit(part, block_count, choice.block_size, end_leaving(low ? low_ram : choice.ram, room));
        if (!region) continue;
        const Placement placement = placement_at(choice, *region, place.node);
        if (allowed(choice, placement) && (!best || better(choice, placement, *best))) best = placement;
      }
    }
  }
  return best;
}

// `ranges` with a border wherever two neighbouring pieces of memory belong to different nodes.
AddressRanges split_by_node(const Machine& machine, AddressRanges ranges) {
  for (std::size_t i = 0; i < machine.affinity.size(); ++i) {
    const AffinityRange& entry = machine.affinity[i];
    const AffinityRange* const last = i == 0 ? nullptr : &machine.affinity[i - 1];
    const bool goes_on =
        last != nullptr && last->range.end() == entry.range.start && last->domain == entry.domain;
    if (last != nullptr && !goes_on) ranges = split_at(ranges, last->range.end());
    if (!goes_on) ranges = split_at(ranges, entry.range.start);
  }
  const AddressRange* before = nullptr;
  std::optional<unsigned> node_before;
  for (const MemoryBlocks& blocks : machine.blocks.value_or(std::vector<MemoryBlocks>())) {
    if (!blocks.node) continue;
    if (before != nullptr && node_before != blocks.node) ranges = split_at(ranges, blocks.range.start);
    before = &blocks.range;
    node_before = blocks.node;
  }
  return ranges;
}

std::vector<FreePlace> free_places(const Machine& machine, const AddressRanges& pieces,
                                   const std::vector<RefusedPlace>& refused, bool crash_kernel_moves) {
  AddressRanges cuts{{0, kLowestStart}};
  for (const RefusedPlace& place : refused) {
    if (crash_kernel_moves && place.kind == RefusalKind::crash_kernel) continue;
    cuts.push_back(place.range);
  }
  std::vector<FreePlace> places;
  for (const AddressRange& range : without(pieces, cuts)) places.push_back({range, node_of(machine, range)});
  return places;
}

}  // namespace

std::uint64_t blocks_in(const AddressRange& range, ByteCount block_size) {
  const PhysicalAddress first = round_up(range.start + kRegionLead, block_size);
  const PhysicalAddress last = round_down(range.end(), block_size);
  return first < last ? (last - first) / block_size : 0;
}

PlaceChoice make_place_choice(const Machine& machine, const std::vector<RefusedPlace>& refused) {
  PlaceChoice choice;
  choice.ram = boot_ram(machine);
  choice.block_size = machine.block_size;
  choice.top_has_node = affinity_in_use(machine);
  choice.pieces = split_by_node(machine, split_at(choice.ram, kFourGib));
  choice.free = free_places(machine, choice.pieces, refused, false);
  choice.free_over_crash_kernel = free_places(machine, choice.pieces, refused, true);
  for (const AddressRange& range : choice.pieces) {
    if (const auto node = node_of(machine, range)) choice.node_ram[*node] += range.size;
  }
  return choice;
}

Placement placement_at(const PlaceChoice& choice, const AddressRange& region, std::optional<unsigned> node) {
  Placement placement;
  placement.region = region;
  placement.node = node;
  placement.below_four_gib = region.start < kFourGib;
  const PhysicalAddress ram_end = choice.ram.empty() ? 0 : choice.ram.back().end();
  placement.top_of_ram = region.end() >= ram_end;
  placement.ram_above = ram_between(choice.ram, region.end(), placement.below_four_gib ? kFourGib : ram_end);
  placement.ram_below_four_gib_left = total_size(without(low_part(choice.ram), {region}));
  if (node) {
    const auto found = choice.node_ram.find(*node);
    placement.most_of_its_node =
        found != choice.node_ram.end() && region.size > found->second / 2 + kRegionLead;
  }
  return placement;
}

std::optional<Placement> best_placement(const PlaceChoice& choice, std::uint64_t block_count, Height height,
                                        const std::optional<AddressRange>& taken) {
  if (auto best = best_of(choice, choice.free, block_count, height, taken)) return best;
  auto second = best_of(choice, choice.free_over_crash_kernel, block_count, height, taken);
  if (second) second->over_crash_kernel = true;
  return second;
}

std::uint64_t most_blocks(const PlaceChoice& choice) {
  std::uint64_t fits = 0;
  std::uint64_t too_many = total_size(choice.ram) / choice.block_size + 1;
  // A larger region that fits leaves every smaller one a place.
  while (too_many - fits > 1) {
    const std::uint64_t middle = fits + (too_many - fits) / 2;
    (best_placement(choice, middle, Height::anywhere) ? fits : too_many) = middle;
  }
  return fits;
}

}  // namespace warmdump
