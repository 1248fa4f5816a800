// Overwriting a region, and preparing it for the next capture.
//
// Buffers are bounded and aligned for O_DIRECT; where the size of a region is not a multiple of 4096 the last
// bytes are left alone (no writer of frames comes near them: kTailReserve).

#pragma once

#include <cstdint>
#include <functional>

#include "common/device.h"
#include "common/dump_format/dump_format.h"
#include "common/hosted/failure.h"

namespace warmdump {

// Called now and then with bytes done of all bytes, first for "wiping", then for "verifying"; each ends with
// done == total.
using WipeProgress = std::function<void(const char* what, ByteCount done, ByteCount total)>;

struct WipeTimes {
  std::uint64_t write_ms = 0;
  std::uint64_t flush_ms = 0;
  std::uint64_t verify_ms = 0;
};

// Zeroes all of `region` but the two copies of the header, flushes, and reads everything back.
// Errors: corrupt with the region offset of the first byte that is not zero (memory that does not hold what
// is written: do not hand it to the system); io. After a failure the region holds any mix; doing it again is
// safe.
Outcome<WipeTimes> wipe_region(Device& region, const WipeProgress& progress);

// Zeroes [0, 8 KiB), where the kernel looks for DAX, PFN and BTT info blocks; leaves it alone when zero.
Outcome<void> clear_info_block(Device& region);

// clear_info_block, then a fresh header with state `empty` in both copies. Frames are not touched.
// Errors: refused when the first page carries the signature of a file system, volume or partition table, so
// that a disk named by mistake keeps its data; no_space when the region cannot hold a dump; io.
Outcome<dump_format::RegionHeader> format_region(Device& region, PhysicalAddress region_start);

// The two calls of common/dump_format/dump_header.h with a buffer fit for O_DIRECT.
Result<dump_format::RegionHeader> read_region_header(const Device& region);
Result<void> write_region_header(Device& region, dump_format::RegionHeader& header);

}  // namespace warmdump
