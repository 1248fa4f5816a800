// Finds the frames of a dump on a region. Believes nothing but checksums: the header's frames_end is only a
// hint of how far to look, damage is stepped over and accounted for.

#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "common/device.h"
#include "common/dump_format/dump_format.h"
#include "common/dump_format/dump_seal.h"
#include "common/hosted/failure.h"

namespace warmdump {

struct FrameLocation {
  ByteCount offset = 0;  // region offset of the frame header
  dump_format::FrameHeader header{};
};

// What the scan passed, in bytes of the region and in frames.
struct ScanReport {
  std::uint64_t frames = 0;               // whole frames with matching checksums, and seals where asked for
  ByteCount frame_bytes = 0;              // of these, headers and padding included
  std::uint64_t damaged_ranges = 0;       // places where a frame was expected and none found
  ByteCount damaged_bytes = 0;            // bytes of these places
  std::optional<ByteCount> first_damage;  // region offset of the first
  std::uint64_t missing_frames = 0;       // numbers missing in the frames' sequence, as far as can be told
  std::uint64_t foreign_frames = 0;  // whole, but without the seal asked for: damage, their content unread
  ByteCount unreadable_bytes = 0;    // bytes the device failed to read; they count as zero
  ByteCount truncated_bytes = 0;     // bytes by which the file is shorter than the region was
  bool end_frame_found = false;      // the last frame found was an end frame

  bool damage_found() const { return damaged_ranges > 0 || missing_frames > 0 || truncated_bytes > 0; }
};

// Bytes behind the last known frame to look through for another one before giving up.
inline constexpr ByteCount kLookAhead = 256 * kMiB;

// What the caller knows about the dump.
struct ScanTarget {
  std::span<const unsigned char, 8> dump_id;
  ByteCount scan_end;              // exclusive; at most the size of the device
  ByteCount frames_end_hint;       // frames reach at least to here; 0 when nobody knows
  std::uint64_t frame_count_hint;  // at least so many frames were written; 0 when nobody knows
  ByteCount look_ahead = kLookAhead;
  const dump_format::DumpSeal* seal = nullptr;  // that a frame must have; none: any will do
};

// Calls `visit` for every frame with matching checksums, in the order they lie on the region, with its
// stored payload (valid during the call). Ends after an end frame. Errors: reading the device failed, or
// the failure `visit` returned.
using FrameVisitor = std::function<Outcome<void>(const FrameLocation&, std::span<const std::byte> payload)>;
Outcome<ScanReport> scan_frames(const Device& region, const ScanTarget& target, const FrameVisitor& visit);

// The first frame with matching checksums of any dump within `window` bytes from kFramesOffset that
// `accepts`, to learn the dump id from when both region headers are lost. Empty when there is none.
using FrameFilter = std::function<bool(const dump_format::FrameHeader&, std::span<const std::byte> payload)>;
Outcome<std::optional<FrameLocation>> find_first_frame(const Device& region, ByteCount window,
                                                       const FrameFilter& accepts = nullptr);

}  // namespace warmdump
