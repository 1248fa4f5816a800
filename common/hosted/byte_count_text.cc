#include "common/hosted/byte_count_text.h"

#include <fmt/format.h>

#include <charconv>
#include <limits>

namespace warmdump {
namespace {

constexpr std::string_view kSuffixes = "KMGT";  // each 1024 times the one before

}  // namespace

Outcome<ByteCount> parse_byte_count(std::string_view text) {
  const Failure failure(ErrorCode::invalid,
                        fmt::format("\"{}\" is not a size: write a number, or one with K, M, G or T", text));
  std::string_view digits = text;
  unsigned shift = 0;
  if (!digits.empty()) {
    const char last = digits.back();
    const char upper = last >= 'a' && last <= 'z' ? static_cast<char>(last - 'a' + 'A') : last;
    if (const auto index = kSuffixes.find(upper); index != std::string_view::npos) {
      shift = static_cast<unsigned>(10 * (index + 1));
      digits.remove_suffix(1);
    }
  }
  int base = 10;
  if (digits.starts_with("0x") || digits.starts_with("0X")) {
    base = 16;
    digits.remove_prefix(2);
  }
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number, base);
  if (error != std::errc{} || end != digits.data() + digits.size()) return failure;
  if (number > (std::numeric_limits<std::uint64_t>::max() >> shift)) return failure;
  return number << shift;
}

std::string exact_byte_count(ByteCount bytes) {
  for (std::size_t i = kSuffixes.size(); i > 0; --i) {
    const ByteCount unit = ByteCount{1} << (10 * i);
    if (bytes >= unit && bytes % unit == 0) return fmt::format("{}{}", bytes / unit, kSuffixes[i - 1]);
  }
  return fmt::format("{}", bytes);
}

std::string readable_byte_count(ByteCount bytes) {
  if (bytes < kKiB) return fmt::format("{} bytes", bytes);
  constexpr std::string_view kNames[] = {"KiB", "MiB", "GiB", "TiB"};
  std::size_t i = 0;
  double value = static_cast<double>(bytes) / static_cast<double>(kKiB);
  while (value >= 1023.95 && i + 1 < std::size(kNames)) {
    value /= 1024;
    ++i;
  }
  std::string number = fmt::format("{:.1f}", value);
  if (number.ends_with(".0")) number.resize(number.size() - 2);
  return fmt::format("{} {}", number, kNames[i]);
}

}  // namespace warmdump
