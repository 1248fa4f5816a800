#include "tests/arm/plan/random_machine.h"

#include <algorithm>
#include <random>
#include <string>

#include "arm/machine/address_ranges.h"

namespace warmdump {
namespace {

class Maker {
 public:
  explicit Maker(std::uint64_t seed) : random_(seed) {}

  RandomRequest make() {
    constexpr ByteCount kBlockSizes[] = {128 * kMiB, 128 * kMiB, 128 * kMiB,
                                         256 * kMiB, 512 * kMiB, 2 * kGiB};
    machine_.block_size = kBlockSizes[up_to(5)];
    make_ram();
    plug_memory();
    make_nodes();
    make_tables();
    fill_map();
    make_options();
    RandomRequest request{std::move(machine_), {}};
    if (chance(60)) request.size = between(kMiB, ByteCount{1} << between(20, 34));
    return request;
  }

 private:
  std::uint64_t up_to(std::uint64_t most) { return random_() % (most + 1); }
  std::uint64_t between(std::uint64_t least, std::uint64_t most) { return least + up_to(most - least); }
  bool chance(unsigned percent) { return up_to(99) < percent; }

  PhysicalAddress address_in(const AddressRange& range, ByteCount multiple) {
    return round_down(range.start + up_to(range.size - 1), multiple);
  }

  // Firmware leaves RAM in pages or in megabytes.
  ByteCount some_size(ByteCount most) {
    return std::max(kPageSize, round_down(up_to(most), chance(50) ? kPageSize : 2 * kMiB));
  }

  void make_ram() {
    AddressRanges ram{{kMiB, between(300 * kMiB, 3500 * kMiB) / kPageSize * kPageSize}};
    PhysicalAddress at = 4 * kGiB;
    for (std::uint64_t left = up_to(3); left > 0; --left) {
      const ByteCount size = some_size(chance(50) ? 2 * kGiB : 9 * kGiB);
      ram.push_back({at, size});
      at += size + (chance(50) ? some_size(512 * kMiB) : 0);
    }
    AddressRanges holes;
    for (std::uint64_t left = up_to(4); left > 0; --left) {
      const AddressRange& range = ram[up_to(ram.size() - 1)];
      holes.push_back({address_in(range, kPageSize), some_size(chance(70) ? kMiB : 64 * kMiB)});
    }
    firmware_ = without(ram, holes);
  }

  void plug_memory() {
    if (!chance(25)) return;
    plugged_ = AddressRange{round_up(firmware_.back().end(), kGiB), between(1, 4) * machine_.block_size};
    firmware_later_.push_back(*plugged_);
  }

  AddressRanges all_ram() const {
    AddressRanges ram = firmware_;
    ram.insert(ram.end(), firmware_later_.begin(), firmware_later_.end());
    return ram;
  }

  void make_nodes() {
    const PhysicalAddress end = round_up(all_ram().back().end(), machine_.block_size);
    node_borders_ = {0};
    if (chance(50)) {
      for (std::uint64_t left = between(1, 2); left > 0; --left) {
        node_borders_.push_back(round_down(up_to(end), machine_.block_size));
      }
    }
    std::sort(node_borders_.begin(), node_borders_.end());
    node_borders_.erase(std::unique(node_borders_.begin(), node_borders_.end()), node_borders_.end());
    node_borders_.push_back(end);
    if (chance(80)) {
      machine_.nodes.emplace();
      for (unsigned node = 0; node + 1 < node_borders_.size(); ++node) machine_.nodes->push_back(node);
    }
    if (chance(75)) make_blocks(end);
  }

  void make_blocks(PhysicalAddress end) {
    const bool tells_nodes = chance(80);
    const AddressRanges ram = all_ram();
    std::string zone = "Normal";
    bool online = true;
    std::vector<MemoryBlocks> blocks;
    for (PhysicalAddress at = 0; at < end; at += machine_.block_size) {
      if (chance(6)) zone = chance(40) ? "Movable" : "Normal";
      if (chance(6)) online = !chance(30);
      const AddressRange range{at, machine_.block_size};
      if (common_parts(ram, {range}).empty()) continue;
      MemoryBlocks block{range, online, online ? zone : "", {}};
      if (tells_nodes) block.node = node_of_address(at);
      blocks.push_back(block);
    }
    machine_.blocks = joined_blocks(std::move(blocks));
  }

  unsigned node_of_address(PhysicalAddress at) const {
    unsigned node = 0;
    while (node + 2 < node_borders_.size() && node_borders_[node + 1] <= at) ++node;
    return node;
  }

  void make_tables() {
    if (chance(80)) {
      machine_.firmware_map.emplace();
      for (const AddressRange& range : all_ram())
        machine_.firmware_map->entries.push_back({range, "System RAM"});
      if (chance(30)) machine_.firmware_map->entries.push_back({{0xfec00000, kMiB}, "Reserved"});
    }
    if (chance(70)) {
      machine_.boot.emplace();
      machine_.boot->ram = firmware_;
      machine_.boot->ram_complete = chance(95);
      if (chance(60)) {
        const AddressRange& range = firmware_[up_to(firmware_.size() - 1)];
        machine_.boot->initrd = AddressRange{address_in(range, kPageSize), some_size(64 * kMiB)};
      }
    }
    machine_.affinity_state = static_cast<TableState>(up_to(2));
    if (machine_.affinity_state != TableState::present) return;
    for (std::size_t i = 0; i + 1 < node_borders_.size(); ++i) {
      AddressRange range{node_borders_[i], node_borders_[i + 1] - node_borders_[i]};
      if (chance(5)) range.size -= machine_.block_size / 2;
      const bool hot = chance(20);
      const ByteCount half = round_down(range.size / 2, 2 * kMiB);
      if (chance(30) && range.size > kGiB) {  // a small hole
        const PhysicalAddress hole = address_in(range, 64 * kKiB);
        const AddressRange below{range.start, hole - range.start};
        if (below.size > 0) machine_.affinity.push_back({below, static_cast<unsigned>(i), hot});
        range = {hole + 64 * kKiB, range.end() - hole - 64 * kKiB};
        if (range.size == 0) continue;
      } else if (chance(30) && half > 0) {  // one node in two entries
        machine_.affinity.push_back({{range.start, half}, static_cast<unsigned>(i), hot});
        range = {range.start + half, range.size - half};
      }
      machine_.affinity.push_back({range, static_cast<unsigned>(i), hot});
    }
  }

  // /proc/iomem: what memmap=$ and the boot loader's own data cut, what lies inside, perhaps a region.
  void fill_map() {
    AddressRanges ram = all_ram();
    for (std::uint64_t left = up_to(3); left > 0; --left) {
      const AddressRange range = ram[up_to(ram.size() - 1)];
      const PhysicalAddress at = address_in(range, kPageSize);
      if (chance(50)) {
        ram = without(ram, {{at, some_size(kMiB)}});
      } else {
        ram = split_at(ram, at);
      }
      if (ram.empty()) ram.push_back(range);
    }
    for (const AddressRange& range : ram) add_ram(range);
  }

  void add_ram(const AddressRange& range) {
    const ByteCount block = machine_.block_size;
    const bool has_room = range.size > 3 * block;
    if (has_room && (chance(25) || (chance(15) && has_region_))) {
      PhysicalAddress start = round_up(range.start + block, block) - 2 * kMiB;
      ByteCount size = block + 2 * kMiB;
      if (chance(25)) start += 2 * kMiB;
      if (chance(15)) size -= 2 * kMiB;
      add_plain_ram({range.start, start - range.start});
      machine_.map.entries.push_back({{start, size}, 0, std::string(kPersistentMemoryName)});
      if (chance(50)) {
        machine_.map.entries.push_back({{start + 2 * kMiB, size - 2 * kMiB}, 1, "dax0.0"});
        machine_.map.entries.push_back({{start + 2 * kMiB, size - 2 * kMiB}, 2, "System RAM (kmem)"});
      }
      has_region_ = true;
      add_plain_ram({start + size, range.end() - start - size});
    } else {
      add_plain_ram(range);
    }
  }

  void add_plain_ram(const AddressRange& range) {
    constexpr const char* kOccupants[] = {"Kernel code", "Crash kernel", "Reserved", "Kernel data"};
    machine_.map.entries.push_back({range, 0, std::string(kSystemRamName)});
    PhysicalAddress at = range.start;
    for (std::uint64_t left = up_to(3); left > 0 && at < range.end(); --left) {
      at = address_in({at, range.end() - at}, kPageSize);
      if (at < range.start) continue;
      const ByteCount size = std::min(some_size(chance(50) ? kMiB : 256 * kMiB), range.end() - at);
      machine_.map.entries.push_back({{at, size}, 1, kOccupants[up_to(3)]});
      at += size;
    }
  }

  void make_options() {
    if (chance(20)) machine_.options.no_randomisation = true;
    if (chance(10)) machine_.options.movable_split = true;
    machine_.options.memmap_items = static_cast<unsigned>(up_to(5));
    if (chance(5)) machine_.architecture = Architecture::arm64;
  }

  std::mt19937_64 random_;
  Machine machine_;
  AddressRanges firmware_;        // RAM at boot
  AddressRanges firmware_later_;  // and what was plugged in
  std::optional<AddressRange> plugged_;
  std::vector<PhysicalAddress> node_borders_;  // first of each node, and the end of the last
  bool has_region_ = false;
};

}  // namespace

RandomRequest random_request(std::uint64_t seed) {
  return Maker(seed).make();
}

}  // namespace warmdump
