// The way back from return_region: system RAM ► every block offline ► devdax ► raw disk.

#pragma once

#include <cstdint>
#include <filesystem>

#include "common/hosted/failure.h"
#include "recover/recover_events.h"
#include "recover/region/pmem_regions.h"

namespace warmdump {

// How long the kernel may try to move pages out of the blocks, unless somebody says otherwise.
inline constexpr std::uint64_t kTakeBackLimitMs = 30'000;

struct RegionTakenBack {
  bool was_raw = false;  // before this run; nothing was changed
  std::filesystem::path disk;
  int blocks = 0;  // taken offline
  ByteCount memory_total_before = 0;
  ByteCount memory_total_after = 0;
  std::uint64_t elapsed_ms = 0;
};

// Makes a raw disk of the region, whatever it is, without changing [8 KiB, 2 MiB): its header, and with it
// the record of the last dump, stays. Behind it lies what the system kept there. An armed machine stays
// armed: a crash kernel captures into a raw region too. Errors: timed_out (a block could not be taken offline
// in time) and busy (one never can, or the disk is in use), with the block and the reason; others of
// PmemRegions. Blocks that were online are online again then.
Outcome<RegionTakenBack> take_back_region(PmemRegions& regions, const PmemRegion& region,
                                          std::uint64_t limit_ms, RecoverEvents& events);

}  // namespace warmdump
