// How large a dump of the running system would be now, and how large the region should be for one of a busier
// day.
//
// The sum has three parts: the pages of every class that the dump level keeps, at what a sample of them
// compresses to (page_census.h, compression_sample.h); the class maps of all memory; notes, log and the ends
// of frames. The recommended size is that sum, with twice its standard error, times a factor for growth.

#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "arm/estimate/compression_sample.h"
#include "arm/machine/machine_files.h"
#include "common/hosted/failure.h"

namespace warmdump {

// A dump is largest when memory is full of kernel objects, and a system is asked when it has just been set
// up: in guests that became busy after an estimate, dumps grew up to twice as large (docs/BENCHMARKS.md has
// the loads: 30.8 MB idle, 58.8 MB with 300 processes).
inline constexpr unsigned kGrowthFactor = 3;
// A region below this share of RAM is not recommended, however small the dump is today: dumps of 4 GiB guests
// took 0.5 to 1.5 % of it.
inline constexpr unsigned kRamShareMin = 64;

struct ClassEstimate {
  PageClass page_class = PageClass::absent;
  PageCount pages = 0;
  bool kept = false;  // by the dump level
  // Of kept classes only.
  bool is_measured = false;  // else by usual_bytes_per_page()
  PageCount pages_sampled = 0;
  double zero_share = 0;  // of the sample
  ByteCount bytes = 0;    // in the dump
  ByteCount error = 0;    // one standard error of it
};

struct DumpEstimate {
  unsigned dump_level = 0;
  PageCount pages = 0;  // that a capture would find
  PageCount pages_read = 0;
  std::vector<ClassEstimate> classes;  // those that have pages, by their number
  ByteCount class_map_bytes = 0;
  ByteCount other_bytes = 0;
  ByteCount bytes = 0;  // of the whole dump now
  ByteCount error = 0;  // one standard error of it
  // Why no page was read, so that usual ratios stand in for measured ones; empty when pages were read.
  std::string why_unmeasured;
  std::uint64_t uptime_s = 0;  // 0: unknown
};

// Errors: reading the memory map or the flags; no_permission without root.
Outcome<DumpEstimate> estimate_dump(const MachineFiles& files, unsigned dump_level,
                                    const EstimateProgress& progress = {});

// The same of any memory. `seed` chooses the sample.
Outcome<DumpEstimate> estimate_dump(LiveMemory& memory, const CapturedMemory& captured, unsigned dump_level,
                                    std::uint64_t seed, const EstimateProgress& progress = {});

// What a page of a kept class takes in a dump where none could be read, zero pages among them: between the
// loads of docs/COMPRESSION.md, on the safe side.
double usual_bytes_per_page(PageClass page_class);

// The region that takes such a dump, grown: whole memory blocks and the part that is never returned.
struct RecommendedRegion {
  ByteCount dump = 0;       // bytes + 2 * error
  ByteCount grown = 0;      // times kGrowthFactor
  ByteCount ram_share = 0;  // kRamShareMin of RAM
  ByteCount unrounded = 0;  // the larger of the two, and the parts of the region that hold no frames
  ByteCount size = 0;
};
RecommendedRegion recommended_region(const DumpEstimate& estimate, ByteCount block_size);

}  // namespace warmdump
