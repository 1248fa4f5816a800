// Numbers in the tables that firmware and boot loaders leave: little-endian, at any alignment. The caller
// has made sure that they lie inside `bytes`.

#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace warmdump {

inline std::uint64_t little_endian(std::string_view bytes, std::size_t offset, std::size_t size) {
  std::uint64_t value = 0;
  for (std::size_t i = size; i-- > 0;) value = value << 8 | static_cast<std::uint8_t>(bytes[offset + i]);
  return value;
}

inline std::uint32_t little_endian_32(std::string_view bytes, std::size_t offset) {
  return static_cast<std::uint32_t>(little_endian(bytes, offset, 4));
}

inline std::uint64_t little_endian_64(std::string_view bytes, std::size_t offset) {
  return little_endian(bytes, offset, 8);
}

}  // namespace warmdump
