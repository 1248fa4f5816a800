#include "common/dump_format/dump_header.h"

#include <cstring>

#include "common/crc32c.h"
#include "common/dump_format/dump_state.h"

namespace warmdump::dump_format {
namespace {

std::uint32_t header_checksum(const RegionHeader& header) {
  return crc32c(std::as_bytes(std::span(&header, 1)).first(offsetof(RegionHeader, header_crc)));
}

bool ranges_are_sane(const RegionHeader& header) {
  const ByteCount size = header.region_size;
  return size >= kRegionSizeMin && header.frames_end <= size - kTailReserve && header.dump_level <= 31;
}

}  // namespace

RegionHeader make_header(PhysicalAddress region_start, ByteCount region_size) {
  RegionHeader header{};
  std::memcpy(header.magic, kRegionMagic, sizeof(header.magic));
  header.format_version = kFormatVersion;
  header.header_size = kHeaderSize;
  header.region_start = region_start;
  header.region_size = region_size;
  header.state = static_cast<std::uint32_t>(State::empty);
  return header;
}

void close_header(RegionHeader& header) {
  header.header_crc = header_checksum(header);
}

bool is_record_without_frames(const RegionHeader& header) {
  return header.state == static_cast<std::uint32_t>(State::partial) &&
         header.phase == static_cast<std::uint32_t>(Phase::start) && header.frame_count == 0;
}

Result<RegionHeader> decode_header(std::span<const std::byte, kHeaderSize> bytes) {
  RegionHeader header;
  std::memcpy(&header, bytes.data(), sizeof(header));
  if (std::memcmp(header.magic, kRegionMagic, sizeof(header.magic)) != 0) {
    return Error::make(ErrorCode::not_found, "no warmdump region header");
  }
  if (header.header_crc != header_checksum(header)) {
    return Error::make(ErrorCode::corrupt, "checksum of the region header does not match");
  }
  if (header.format_version != kFormatVersion || header.header_size != kHeaderSize) {
    return Error::make(ErrorCode::unsupported, "dump format of another version of warmdump");
  }
  if ((header.incompatible_flags & ~kIncompatibleFlagsKnown) != 0) {
    return Error::make(ErrorCode::unsupported, "dump uses features this version of warmdump does not know");
  }
  if (!ranges_are_sane(header)) {
    return Error::make(ErrorCode::corrupt, "region header contradicts itself");
  }
  return header;
}

Result<RegionHeader> read_header(const Device& region, std::span<std::byte, kHeaderSize> buffer) {
  if (region.size() < kRegionSizeMin) {
    return Error::make(ErrorCode::no_space, "region too small for a dump header and frames (at least 4 MiB)");
  }
  TRY(region.read_at(kHeaderOffset, buffer));
  auto first = decode_header(buffer);
  TRY(region.read_at(kHeaderCopyOffset, buffer));
  auto second = decode_header(buffer);

  if (first.has_value() && second.has_value()) return first->sequence >= second->sequence ? *first : *second;
  if (first.has_value()) return *first;
  if (second.has_value()) return *second;
  if (first.error().code == ErrorCode::not_found && second.error().code != ErrorCode::not_found) {
    return second.error().at(WhereKind::region_offset, kHeaderCopyOffset);
  }
  return first.error().at(WhereKind::region_offset, kHeaderOffset);
}

Result<void> write_header(Device& region, RegionHeader& header, std::span<std::byte, kHeaderSize> buffer,
                          const DumpSeal& seal) {
  header.sequence = header.sequence + 1;
  seal.seal(header);
  close_header(header);
  std::memcpy(buffer.data(), &header, sizeof(header));
  for (const ByteCount offset : {kHeaderOffset, kHeaderCopyOffset}) {
    TRY(region.write_at(offset, buffer));
    TRY(region.persist());
  }
  return {};
}

}  // namespace warmdump::dump_format
