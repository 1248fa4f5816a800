#include "recover/report/page/html_text.h"

#include <fmt/format.h>

#include <array>
#include <cstdint>

namespace warmdump {
namespace {

struct Character {
  char32_t code = 0;
  std::size_t size = 0;  // bytes; 0: not UTF-8
};

// The character that `text`, which is not empty, begins with.
Character first_character(std::string_view text) {
  const auto byte = [&](std::size_t index) { return static_cast<unsigned char>(text[index]); };
  const unsigned char lead = byte(0);
  if (lead < 0x80) return {lead, 1};
  const std::size_t size = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  if (lead < 0xc2 || lead > 0xf4 || text.size() < size) return {};
  char32_t code = lead & (0xffu >> (size + 1));
  for (std::size_t index = 1; index < size; ++index) {
    if ((byte(index) & 0xc0) != 0x80) return {};
    code = code << 6 | (byte(index) & 0x3fu);
  }
  constexpr std::array<char32_t, 5> kSmallest = {0, 0, 0x80, 0x800, 0x10000};
  const bool is_surrogate = code >= 0xd800 && code <= 0xdfff;
  if (code < kSmallest[size] || code > 0x10ffff || is_surrogate) return {};
  return {code, size};
}

bool is_invisible(char32_t code) {
  struct Range {
    char32_t first, last;
  };
  constexpr Range kInvisible[] = {{0x80, 0x9f},     {0xad, 0xad},     {0x61c, 0x61c},     {0x180e, 0x180e},
                                  {0x200b, 0x200f}, {0x2028, 0x202e}, {0x2060, 0x206f},   {0xfe00, 0xfe0f},
                                  {0xfeff, 0xfeff}, {0xfff0, 0xfffb}, {0xe0000, 0xe0fff}, {0xfdd0, 0xfdef}};
  for (const Range& range : kInvisible) {
    if (code >= range.first && code <= range.last) return true;
  }
  return (code & 0xfffe) == 0xfffe;
}

void append(std::string& html, char32_t code, std::string_view bytes) {
  switch (code) {
    case '&':
      html += "&amp;";
      return;
    case '<':
      html += "&lt;";
      return;
    case '>':
      html += "&gt;";
      return;
    case '"':
      html += "&quot;";
      return;
    case '\'':
      html += "&#39;";
      return;
    case '\n':
    case '\t':
      html += bytes;
      return;
    default:
      break;
  }
  if (code < 0x20 || code == 0x7f) {
    html += fmt::format("\\x{:02x}", static_cast<std::uint32_t>(code));
  } else if (is_invisible(code)) {
    html += fmt::format("\\u{{{:x}}}", static_cast<std::uint32_t>(code));
  } else {
    html += bytes;
  }
}

}  // namespace

std::string html_text(std::string_view text) {
  std::string html;
  html.reserve(text.size() + text.size() / 8);
  while (!text.empty()) {
    const Character character = first_character(text);
    if (character.size == 0) {
      html += "\xef\xbf\xbd";
      text.remove_prefix(1);
    } else {
      append(html, character.code, text.substr(0, character.size));
      text.remove_prefix(character.size);
    }
  }
  return html;
}

std::string shortened(std::string_view text, std::size_t bytes) {
  if (text.size() <= bytes) return std::string(text);
  std::size_t end = bytes;
  for (std::size_t back = 0; back < 3 && end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80;
       ++back)
    --end;
  return std::string(text.substr(0, end)) + "\xe2\x80\xa6";
}

}  // namespace warmdump
