// LocatedDump: which dump lies on a region, and whether it has the seal of a known boot. What every reader
// learns before it looks at frames. Told from headers and checksums alone: no payload is decoded for it, so
// whatever lies there can be refused unread.

#pragma once

#include <array>
#include <optional>
#include <span>
#include <string>

#include "common/device.h"
#include "common/dump_format/dump_format.h"
#include "common/dump_format/dump_seal.h"
#include "common/dump_format/frame_cipher.h"
#include "common/hosted/failure.h"
#include "recover/dump/dump_authenticity.h"
#include "recover/dump/frame_scan.h"

namespace warmdump {

struct LocatedDump {
  // Empty: both copies are lost, or say that no capture began although a sealed frame lies there.
  std::optional<dump_format::RegionHeader> header;
  std::optional<dump_format::ImageMark> image;  // of an image of a dump; empty: this is a region
  std::array<unsigned char, 8> dump_id{};
  Authenticity authenticity = Authenticity::unchecked;
  std::string boot_id;         // of the boot that crashed, as far as it is told
  dump_format::DumpSeal seal;  // set when `authenticity` is sealed

  bool is_encrypted = false;
  std::optional<dump_format::KeyBlob> wrapped_key;  // empty, too, when the encrypted dump has lost it

  // The fleet key it is encrypted for, as text; empty when it is not, or nobody knows.
  std::string key_id() const;

  // Bytes by which `region` is shorter than it should be: a copy that was cut off.
  ByteCount missing_bytes(const Device& region) const;

  // Where its frames are to be looked for. Borrows from this object.
  ScanTarget scan_target(const Device& region) const;
};

// A region whose headers are lost holds the dump of the first frame with the seal of a known secret, or else
// of the first frame. One whose header says that no capture began holds a dump only if a sealed frame lies
// where the first one does: a capture goes on when it cannot write its header. Errors: no_space (too small
// for a dump), not_found (no dump here; says what the region is), corrupt (headers lost and no frames),
// refused (a header that claims the seal of a known boot and does not have it), unsupported (newer format),
// io.
Outcome<LocatedDump> locate_dump(const Device& region, std::span<const SealSecret> secrets);

}  // namespace warmdump
