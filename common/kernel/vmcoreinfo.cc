#include "common/kernel/vmcoreinfo.h"

#include <algorithm>

namespace warmdump {
namespace {

// Not std::string_view::substr: it may throw.
std::string_view cut(std::string_view text, std::size_t count) {
  return {text.data(), count};
}

bool take_prefix(std::string_view& text, std::string_view prefix) {
  if (text.size() < prefix.size() || cut(text, prefix.size()) != prefix) return false;
  text.remove_prefix(prefix.size());
  return true;
}

std::optional<std::uint64_t> digit_value(char character, std::uint64_t base) {
  std::uint64_t value = base;
  if (character >= '0' && character <= '9') value = static_cast<std::uint64_t>(character - '0');
  if (character >= 'a' && character <= 'f') value = static_cast<std::uint64_t>(character - 'a') + 10;
  if (character >= 'A' && character <= 'F') value = static_cast<std::uint64_t>(character - 'A') + 10;
  if (value >= base) return std::nullopt;
  return value;
}

std::optional<std::uint64_t> parse_unsigned(std::string_view text, std::uint64_t base) {
  if (text.empty()) return std::nullopt;
  std::uint64_t value = 0;
  for (const char character : text) {
    const auto digit = digit_value(character, base);
    if (!digit || value > (UINT64_MAX - *digit) / base) return std::nullopt;
    value = value * base + *digit;
  }
  return value;
}

std::optional<std::uint64_t> parse_hexadecimal(std::string_view text) {
  take_prefix(text, "0x");
  return parse_unsigned(text, 16);
}

std::optional<std::int64_t> parse_signed(std::string_view text) {
  if (take_prefix(text, "0x")) {
    const auto bits = parse_unsigned(text, 16);
    if (!bits) return std::nullopt;
    return static_cast<std::int64_t>(*bits);
  }
  const bool negative = take_prefix(text, "-");
  const auto magnitude = parse_unsigned(text, 10);
  const std::uint64_t magnitude_max = static_cast<std::uint64_t>(INT64_MAX) + (negative ? 1 : 0);
  if (!magnitude || *magnitude > magnitude_max) return std::nullopt;
  return static_cast<std::int64_t>(negative ? 0 - *magnitude : *magnitude);
}

std::optional<std::uint64_t> parse_if(std::optional<std::string_view> text, std::uint64_t base) {
  if (!text) return std::nullopt;
  return base == 16 ? parse_hexadecimal(*text) : parse_unsigned(*text, base);
}

}  // namespace

Vmcoreinfo::Vmcoreinfo(std::string_view text) : text_(cut(text, std::min(text.find('\0'), text.size()))) {}

std::optional<std::string_view> Vmcoreinfo::find(std::string_view kind, std::string_view name) const {
  std::string_view rest = text_;
  while (!rest.empty()) {
    const std::size_t line_size = std::min(rest.find('\n'), rest.size());
    std::string_view line = cut(rest, line_size);
    rest.remove_prefix(std::min(line_size + 1, rest.size()));
    if (!take_prefix(line, kind)) continue;
    if (!name.empty() && !(take_prefix(line, "(") && take_prefix(line, name) && take_prefix(line, ")")))
      continue;
    if (take_prefix(line, "=")) return line;
  }
  return std::nullopt;
}

std::optional<VirtualAddress> Vmcoreinfo::symbol(std::string_view name) const {
  return parse_if(find("SYMBOL", name), 16);
}

std::optional<std::uint64_t> Vmcoreinfo::size(std::string_view name) const {
  return parse_if(find("SIZE", name), 10);
}

std::optional<std::uint64_t> Vmcoreinfo::offset(std::string_view name) const {
  return parse_if(find("OFFSET", name), 10);
}

std::optional<std::uint64_t> Vmcoreinfo::length(std::string_view name) const {
  return parse_if(find("LENGTH", name), 10);
}

std::optional<std::int64_t> Vmcoreinfo::number(std::string_view name) const {
  const auto value = find("NUMBER", name);
  if (!value) return std::nullopt;
  return parse_signed(*value);
}

std::optional<std::string_view> Vmcoreinfo::text(std::string_view key) const {
  return find(key, {});
}

std::optional<std::uint64_t> Vmcoreinfo::hexadecimal(std::string_view key) const {
  return parse_if(find(key, {}), 16);
}

std::optional<std::uint64_t> Vmcoreinfo::decimal(std::string_view key) const {
  return parse_if(find(key, {}), 10);
}

std::optional<ByteCount> Vmcoreinfo::page_size() const {
  const auto size = decimal("PAGESIZE");
  if (!size || *size == 0 || (*size & (*size - 1)) != 0) return std::nullopt;
  return size;
}

}  // namespace warmdump
