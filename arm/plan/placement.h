// Chooses among the places that are free: which of them is best for a region of a given size.

#pragma once

#include <map>
#include <optional>
#include <vector>

#include "arm/machine/address_ranges.h"
#include "arm/machine/machine.h"
#include "arm/plan/refused_places.h"

namespace warmdump {

inline constexpr PhysicalAddress kFourGib = 4 * kGiB;

// Above the region, where boot loaders and firmware put the initrd and their own buffers.
inline constexpr ByteCount kLoaderRoom = 512 * kMiB;

// A stretch of free RAM: in one firmware entry, on one node, on one side of 4 GiB.
struct FreePlace {
  AddressRange range;
  std::optional<unsigned> node;
};

// What placing needs to know of the machine.
struct PlaceChoice {
  std::vector<FreePlace> free;
  std::vector<FreePlace> free_over_crash_kernel;  // and this boot's crash kernel taken as free: second choice
  AddressRanges ram;
  AddressRanges pieces;  // `ram` cut at the borders of nodes and at 4 GiB: a region lies in one of them
  ByteCount block_size = 0;
  bool top_has_node = false;  // the kernel knows the node of a region with no RAM above it
  std::map<unsigned, ByteCount> node_ram;
};

PlaceChoice make_place_choice(const Machine& machine, const std::vector<RefusedPlace>& refused);

struct Placement {
  AddressRange region;
  std::optional<unsigned> node;
  ByteCount ram_above = 0;  // below 4 GiB: up to there
  ByteCount ram_below_four_gib_left = 0;
  bool below_four_gib = false;
  bool top_of_ram = false;
  bool over_crash_kernel = false;
  bool most_of_its_node = false;  // more than half
};

enum class Height { above_four_gib, anywhere };

// The best place for a region of `block_count` blocks, none of it in `taken`. In this order: at the wanted
// height, off this boot's crash kernel, above 4 GiB, with RAM above it (512 MiB, else a block, else a page),
// no more than half of its node, on the node with most RAM (one with 7/8 of the most counts as equal), and
// then the highest.
//
// Never without RAM above it unless the kernel knows its node even so. Below 4 GiB never so large that
// less than 1 GiB stays there, or less than half where there are not 2 GiB.
std::optional<Placement> best_placement(const PlaceChoice& choice, std::uint64_t block_count, Height height,
                                        const std::optional<AddressRange>& taken = {});

// What best_placement() would tell of a region that lies at `region` already.
Placement placement_at(const PlaceChoice& choice, const AddressRange& region, std::optional<unsigned> node);

// Most blocks for which best_placement() finds a place; 0 when it finds none even for one.
std::uint64_t most_blocks(const PlaceChoice& choice);

// Whole blocks in a stretch, after the first 2 MiB of it.
std::uint64_t blocks_in(const AddressRange& range, ByteCount block_size);

}  // namespace warmdump
