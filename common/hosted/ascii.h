// Classes of ASCII characters, whatever the locale: for words of protocols and files, which know no other
// letters.

#pragma once

#include <algorithm>
#include <string>
#include <string_view>

namespace warmdump {

constexpr bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
constexpr bool is_hex(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}
constexpr bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
constexpr bool is_alphanumeric(char c) {
  return is_letter(c) || is_digit(c);
}

// Is everything a letter, a digit or one of `also`? True for an empty text.
inline bool has_only_alphanumerics_and(std::string_view also, std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [also](char c) { return is_alphanumeric(c) || also.find(c) != also.npos; });
}

// A blank is printable, and not visible. Both are true for an empty text.
inline bool is_printable(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c < 0x7f; });
}
inline bool is_visible(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 0x7f; });
}

// Letters beyond ASCII stay as they are.
inline std::string lower_case(std::string_view text) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; });
  return lower;
}

}  // namespace warmdump
