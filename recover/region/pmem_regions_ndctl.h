// PmemRegions through libndctl, libdaxctl and, for memory blocks, sysfs. With ndctl_handle.h the only file
// that knows those libraries.
//
// A library context does not notice what another one, or the kernel, changed. So each method makes its own,
// and makes a fresh one where it needs to know what the kernel made of a step. Not more of them: each reads a
// hundred files of sysfs, and is most of recovery's own time.

#pragma once

#include "recover/region/memory_block_table.h"
#include "recover/region/pmem_regions.h"

namespace warmdump {

class PmemRegionsNdctl final : public PmemRegions {
 public:
  Outcome<std::vector<PmemRegion>> find() override;
  Outcome<std::filesystem::path> open_raw(const PmemRegion& region) override;
  Outcome<void> convert_to_devdax(const PmemRegion& region) override;
  Outcome<void> check_returnable(const PmemRegion& region) override;
  Outcome<void> make_system_ram(const PmemRegion& region) override;
  Outcome<void> online_movable(const PmemRegion& region) override;
  Outcome<void> leave_system_ram(const PmemRegion& region, std::uint64_t limit_ms) override;
  Outcome<MemoryBlocks> memory_blocks(const PmemRegion& region) override;
  ByteCount memory_total() override;
  RegionTimes times() const override { return times_; }

 private:
  std::vector<MemoryBlock> blocks_in(const PmemRegion& region);
  Outcome<void> require_no_blocks(const PmemRegion& region);
  Outcome<void> load_module(const std::string& name);

  RegionTimes times_;
};

}  // namespace warmdump
