// FakePmemRegions: one region of a machine that exists only here, over a file that plays the raw disk.
// It follows the kernel's rules: each step needs the shape the step before it left.

#pragma once

#include <functional>

#include "recover/region/pmem_regions.h"

namespace warmdump::test {

class FakePmemRegions final : public PmemRegions {
 public:
  PmemRegion region{.name = "region0", .start = 0x11fe00000, .size = 0, .numa_node = 0, .target_node = 0};
  bool region_exists = true;
  std::filesystem::path disk;
  MemoryBlocks blocks{.count = 2, .online = 0, .movable = false, .block_size = 128 * kMiB};
  // Called before each method with its name; an Outcome with a failure makes the method fail, a throw plays a
  // kill.
  std::function<Outcome<void>(const std::string& method)> before = [](const std::string&) {
    return Outcome<void>();
  };
  // Zone that blocks really land in; false plays an agent that brings them online in ZONE_NORMAL.
  bool online_becomes_movable = true;
  std::vector<std::string> calls;

  Outcome<std::vector<PmemRegion>> find() override {
    TRY(enter("find"));
    return region_exists ? std::vector{region} : std::vector<PmemRegion>();
  }
  Outcome<std::filesystem::path> open_raw(const PmemRegion&) override {
    TRY(enter("open_raw"));
    if (region.shape == RegionShape::system_ram) return Failure(ErrorCode::busy, "in use as system RAM");
    region.shape = RegionShape::raw;
    return disk;
  }
  Outcome<void> convert_to_devdax(const PmemRegion&) override {
    TRY(enter("convert_to_devdax"));
    region.shape = RegionShape::devdax;
    return {};
  }
  Outcome<void> check_returnable(const PmemRegion&) override {
    TRY(enter("check_returnable"));
    if (region.target_node == kNoNode) return Failure(ErrorCode::unsupported, "no node: `warmdump plan`");
    return {};
  }
  Outcome<void> make_system_ram(const PmemRegion&) override {
    TRY(enter("make_system_ram"));
    if (region.shape != RegionShape::devdax) return Failure(ErrorCode::io, "no devdax device");
    region.shape = RegionShape::system_ram;
    return {};
  }
  Outcome<void> online_movable(const PmemRegion&) override {
    TRY(enter("online_movable"));
    if (region.shape != RegionShape::system_ram) return Failure(ErrorCode::not_found, "no memory");
    blocks.online = blocks.count;
    blocks.movable = online_becomes_movable;
    return {};
  }
  Outcome<void> leave_system_ram(const PmemRegion&, std::uint64_t) override {
    TRY(enter("leave_system_ram"));
    region.shape = RegionShape::devdax;
    blocks.online = 0;
    blocks.movable = false;
    return {};
  }
  Outcome<MemoryBlocks> memory_blocks(const PmemRegion&) override {
    TRY(enter("memory_blocks"));
    return blocks;
  }
  ByteCount memory_total() override {
    return 2 * kGiB + static_cast<ByteCount>(blocks.online) * blocks.block_size;
  }

  // What a reboot leaves: the disk.
  void reboot() {
    region.shape = RegionShape::idle;
    blocks.online = 0;
    blocks.movable = false;
  }

 private:
  Outcome<void> enter(const std::string& method) {
    calls.push_back(method);
    return before(method);
  }
};

}  // namespace warmdump::test
