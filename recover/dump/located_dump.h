// LocatedDump: which dump lies on a region, and whether it has the seal of a known boot. What every reader
// learns before it looks at frames.

#pragma once

#include <array>
#include <optional>
#include <span>

#include "common/device.h"
#include "common/dump_format/dump_format.h"
#include "common/dump_format/dump_seal.h"
#include "common/hosted/failure.h"
#include "recover/dump/dump_authenticity.h"
#include "recover/dump/frame_scan.h"

namespace warmdump {

struct LocatedDump {
  std::optional<dump_format::RegionHeader> header;  // empty: both copies are lost
  std::optional<dump_format::ImageMark> image;      // of an image of a dump; empty: this is a region
  std::array<unsigned char, 8> dump_id{};
  Authenticity authenticity = Authenticity::unchecked;
  dump_format::DumpSeal seal;  // set when `authenticity` is sealed

  // Bytes by which `region` is shorter than it should be: a copy that was cut off.
  ByteCount missing_bytes(const Device& region) const;

  // Where its frames are to be looked for. Borrows from this object.
  ScanTarget scan_target(const Device& region) const;
};

// With `secrets`, the seal of the header is checked, or where headers are lost that of the first frame that
// has one. Errors: no_space (too small for a dump), not_found (no dump here; says what the region is),
// corrupt (headers lost and no frames), refused (a header that claims the seal of a known boot and does not
// have it), unsupported (newer format), io.
Outcome<LocatedDump> locate_dump(const Device& region, std::span<const SealSecret> secrets);

}  // namespace warmdump
