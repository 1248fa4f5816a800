// Numbers as /proc and /sys write them.

#pragma once

#include <charconv>
#include <cstdint>
#include <optional>
#include <string_view>

namespace warmdump {

inline std::optional<std::uint64_t> parse_number(std::string_view text, int base) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, base);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

// With or without 0x in front. Nothing for an empty text, a sign, or more than 64 bits.
inline std::optional<std::uint64_t> parse_hexadecimal(std::string_view text) {
  if (text.starts_with("0x") || text.starts_with("0X")) text.remove_prefix(2);
  return parse_number(text, 16);
}

inline std::optional<std::uint64_t> parse_decimal(std::string_view text) {
  return parse_number(text, 10);
}

}  // namespace warmdump
