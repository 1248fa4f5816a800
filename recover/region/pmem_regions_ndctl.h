// PmemRegions through libndctl and libdaxctl: the only file that knows them.
//
// A library context does not notice what another one, or the kernel, changed. So each method makes its own,
// and makes a fresh one after every step that reconfigures something.

#pragma once

#include "recover/region/pmem_regions.h"

namespace warmdump {

class PmemRegionsNdctl final : public PmemRegions {
 public:
  Outcome<std::vector<PmemRegion>> find() override;
  Outcome<std::filesystem::path> open_raw(const PmemRegion& region) override;
  Outcome<void> convert_to_devdax(const PmemRegion& region) override;
  Outcome<void> make_system_ram(const PmemRegion& region) override;
  Outcome<void> online_movable(const PmemRegion& region) override;
  Outcome<MemoryBlocks> memory_blocks(const PmemRegion& region) override;
  ByteCount memory_total() override;
};

}  // namespace warmdump
