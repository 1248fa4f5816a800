// CRC32C (Castagnoli, RFC 3720 appendix B.4), by the processor's instruction where it has one.

#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace warmdump {

// `before` is the checksum of the bytes in front of these, for bytes that come piece by piece.
std::uint32_t crc32c(std::span<const std::byte> bytes, std::uint32_t before = 0);

// The portable way, for the tests to compare with.
std::uint32_t crc32c_portable(std::span<const std::byte> bytes, std::uint32_t before = 0);

}  // namespace warmdump
