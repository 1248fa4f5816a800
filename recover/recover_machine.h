// The whole of `warmdump recover`: find the region, save its dump, give the region back.

#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "common/hosted/failure.h"
#include "recover/dump_extractor.h"
#include "recover/recover_events.h"
#include "recover/recover_region.h"
#include "recover/region/pmem_regions.h"
#include "recover/region/return_region.h"

namespace warmdump {

struct RecoverRequest {
  std::string region;  // name, /dev/pmemN or file; empty for the only region of the machine
  std::filesystem::path spool;
  std::string host;         // goes into names in the spool
  std::string layout = {};  // of the spool, a name in dump_layouts(); empty: the first
  bool return_to_system = true;
  TrustRules trust = TrustRules();     // is_own_region is told by the region
  DumpForwarder* forwarder = nullptr;  // see recover_region(); borrowed
  RetentionLimits retention = {};      // of the spool
  std::string kept_dump = "";          // id of the first dump of a crash loop, see spool/retention.h
};

struct Recovery {
  std::string region;  // name of the region, or path of the file
  PhysicalAddress start = 0;
  ByteCount size = 0;
  std::optional<RegionRecovery> dump;     // nullopt: was system RAM already, not looked at
  std::optional<RegionReturn> returned;   // nullopt: not asked for, or failed
  std::optional<Failure> return_failure;  // the dump is safe even so
  std::uint64_t find_ms = 0;
  std::uint64_t open_ms = 0;  // making a raw disk of it
  RegionTimes region_times;   // of finding, opening and returning
};

// A region that is neither system RAM nor named as a file is recovered with recover_region() and then, if
// asked, returned. A region that is system RAM already is only completed and verified.
// Where the spool cannot be used and no dump is there, the region is returned even so.
// The caller holds kRegionLockPath, except for a regular file.
// Errors: invalid (a file, but return_to_system); those of PmemRegions, Spool and recover_region. The region
// is never returned while an unsaved dump may be on it; one that was left alone counts.
Outcome<Recovery> recover_machine(const RecoverRequest& request, PmemRegions& regions,
                                  DumpExtractor& extractor, RecoverEvents& events);

// True when `region` names a regular file or a block device that is no PMEM disk: recovered without
// PmemRegions.
bool is_plain_file_or_disk(const std::string& region);

}  // namespace warmdump
