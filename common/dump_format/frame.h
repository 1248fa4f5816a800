// Encode and check frames. Pure.

#pragma once

#include <cstddef>
#include <span>

#include "common/dump_format/dump_format.h"
#include "common/dump_format/dump_seal.h"
#include "common/result.h"

namespace warmdump::dump_format {

// Bytes a frame with `stored_size` bytes of payload takes on the region, header and padding included.
constexpr ByteCount frame_footprint(ByteCount stored_size) {
  return round_up(sizeof(FrameHeader) + stored_size, kFrameAlignment);
}

// A finished header for `payload` as it will be stored, sealed if `seal` is set. `cipher_number`: that it was
// encrypted with, 0 when it is not.
FrameHeader make_frame_header(FrameType type, Codec codec, std::uint64_t sequence,
                              std::span<const unsigned char, 8> dump_id, std::span<const std::byte> payload,
                              std::uint32_t raw_size, const DumpSeal& seal = {},
                              std::uint64_t cipher_number = 0);

inline bool is_encrypted(const FrameHeader& header) {
  return (header.codec & kCodecEncrypted) != 0;
}

// Checks magic, checksum, dump id and size limits of a header; type and codec may be ones this build does not
// know. Errors: not_found (no frame of this dump starts here), corrupt (sizes beyond the limits).
Result<FrameHeader> decode_frame_header(std::span<const std::byte, sizeof(FrameHeader)> bytes,
                                        std::span<const unsigned char, 8> dump_id);

// Error corrupt when the stored payload is not the one the header was made for.
Result<void> check_payload(const FrameHeader& header, std::span<const std::byte> payload);

}  // namespace warmdump::dump_format
