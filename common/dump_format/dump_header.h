// Encode, check and choose region headers. Pure but for read/write_header, which take a Device.

#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <span>

#include "common/device.h"
#include "common/dump_format/dump_format.h"
#include "common/dump_format/dump_seal.h"
#include "common/result.h"

namespace warmdump::dump_format {

// A header with magic, version and size set and everything else zero; state empty.
RegionHeader make_header(PhysicalAddress region_start, ByteCount region_size);

// Computes header_crc. Call last, before writing.
void close_header(RegionHeader& header);

// True for what a capture leaves that found nothing it could capture: `error_text` says why. Such a region
// may be written by the next capture.
bool is_record_without_frames(const RegionHeader& header);

// Checks one copy in this order: magic, CRC, version, incompatible flags, ranges.
// Errors: not_found (no magic: nothing of ours here), corrupt (CRC or ranges), unsupported (newer format).
Result<RegionHeader> decode_header(std::span<const std::byte, kHeaderSize> bytes);

// The newer of the two valid copies of `region`. When only one is valid, that one. Otherwise the error of
// the copy that came closest (corrupt rather than not_found), with its region offset.
// `buffer` is scratch space, 4096-byte aligned when the device is opened with O_DIRECT.
// Errors: those of decode_header; no_space when the region is smaller than kRegionSizeMin; io.
Result<RegionHeader> read_header(const Device& region, std::span<std::byte, kHeaderSize> buffer);

// Raises header.sequence, seals it if `seal` is set, computes the CRC and writes both copies, each followed
// by persist(), so that one copy is valid at every moment. On failure at least one older or newer copy is
// whole. `buffer` as above.
Result<void> write_header(Device& region, RegionHeader& header, std::span<std::byte, kHeaderSize> buffer,
                          const DumpSeal& seal = {});

}  // namespace warmdump::dump_format
