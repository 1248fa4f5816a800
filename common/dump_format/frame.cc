#include "common/dump_format/frame.h"

#include <cstring>

#include "common/crc32c.h"

namespace warmdump::dump_format {
namespace {

std::uint32_t header_checksum(const FrameHeader& header) {
  return crc32c(std::as_bytes(std::span(&header, 1)).first(offsetof(FrameHeader, header_crc)));
}

}  // namespace

FrameHeader make_frame_header(FrameType type, Codec codec, std::uint64_t sequence,
                              std::span<const unsigned char, 8> dump_id, std::span<const std::byte> payload,
                              std::uint32_t raw_size, const DumpSeal& seal, std::uint64_t cipher_number) {
  FrameHeader header{};
  header.magic = kFrameMagic;
  header.type = static_cast<std::uint16_t>(type);
  const auto encrypted = cipher_number != 0 ? kCodecEncrypted : std::uint16_t{0};
  header.codec = static_cast<std::uint16_t>(static_cast<std::uint16_t>(codec) | encrypted);
  header.cipher_number = cipher_number;
  header.sequence = sequence;
  std::memcpy(header.dump_id, dump_id.data(), dump_id.size());
  header.stored_size = static_cast<std::uint32_t>(payload.size());
  header.raw_size = raw_size;
  header.payload_crc = crc32c(payload);
  seal.seal(header, payload);
  header.header_crc = header_checksum(header);
  return header;
}

Result<FrameHeader> decode_frame_header(std::span<const std::byte, sizeof(FrameHeader)> bytes,
                                        std::span<const unsigned char, 8> dump_id) {
  FrameHeader header;
  std::memcpy(&header, bytes.data(), sizeof(header));
  if (header.magic != kFrameMagic || header.header_crc != header_checksum(header) ||
      std::memcmp(header.dump_id, dump_id.data(), dump_id.size()) != 0) {
    return Error::make(ErrorCode::not_found, "no frame of this dump");
  }
  if (header.stored_size > kFrameStoredSizeMax || header.raw_size > kFrameRawSizeMax) {
    return Error::make(ErrorCode::corrupt, "frame larger than the format allows");
  }
  return header;
}

Result<void> check_payload(const FrameHeader& header, std::span<const std::byte> payload) {
  if (payload.size() != header.stored_size || crc32c(payload) != header.payload_crc) {
    return Error::make(ErrorCode::corrupt, "checksum of the frame does not match");
  }
  return {};
}

}  // namespace warmdump::dump_format
