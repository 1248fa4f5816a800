// Numbers in options and configuration: decimal, or hexadecimal with 0x. No heap.

#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace warmdump {

// Empty unless the whole text is a number that fits 64 bits.
constexpr std::optional<std::uint64_t> parse_number(std::string_view text) {
  std::uint64_t base = 10;
  if (text.size() > 2 && text[0] == '0' && (text[1] == 'x' || text[1] == 'X')) {
    base = 16;
    text.remove_prefix(2);
  }
  if (text.empty()) return {};
  std::uint64_t value = 0;
  for (const char c : text) {
    const char lower = static_cast<char>(c | 0x20);
    std::uint64_t digit = 16;
    if (c >= '0' && c <= '9') digit = static_cast<std::uint64_t>(c - '0');
    if (lower >= 'a' && lower <= 'f') digit = static_cast<std::uint64_t>(lower - 'a') + 10;
    if (digit >= base || value > (~std::uint64_t{0} - digit) / base) return {};
    value = value * base + digit;
  }
  return value;
}

// False, with part of `target` filled, unless `text` has exactly two hexadecimal digits for each byte.
inline bool parse_hexadecimal(std::string_view text, std::span<unsigned char> target) {
  if (text.size() != 2 * target.size()) return false;
  for (std::size_t i = 0; i < target.size(); ++i) {
    const char digits[] = {'0', 'x', text[2 * i], text[2 * i + 1]};
    const auto byte = parse_number(std::string_view(digits, sizeof(digits)));
    if (!byte) return false;
    target[i] = static_cast<unsigned char>(*byte);
  }
  return true;
}

}  // namespace warmdump
