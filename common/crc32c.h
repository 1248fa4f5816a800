// CRC32C (Castagnoli, RFC 3720 appendix B.4), by the processor's instruction where it has one.

#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace warmdump {

std::uint32_t crc32c(std::span<const std::byte> bytes);

// The portable way, for the tests to compare with.
std::uint32_t crc32c_portable(std::span<const std::byte> bytes);

}  // namespace warmdump
