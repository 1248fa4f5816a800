#include "arm/crashkernel/memory_amount.h"

namespace warmdump {
namespace {

constexpr unsigned kNoDigit = 99;

unsigned digit_value(char character) {
  if (character >= '0' && character <= '9') return static_cast<unsigned>(character - '0');
  const char lower = static_cast<char>(character | 0x20);
  if (lower >= 'a' && lower <= 'f') return static_cast<unsigned>(lower - 'a') + 10;
  return kNoDigit;
}

char at(std::string_view text, std::size_t index) {
  return index < text.size() ? text[index] : '\0';
}

unsigned unit_shift(char character) {
  constexpr std::string_view kUnits = "kmgtpe";
  const std::size_t index = character == '\0' ? std::string_view::npos : kUnits.find(character | 0x20);
  const bool letter = (character >= 'a' && character <= 'z') || (character >= 'A' && character <= 'Z');
  return letter && index != std::string_view::npos ? 10 * (static_cast<unsigned>(index) + 1) : 0;
}

}  // namespace

MemoryAmount read_memory_amount(std::string_view text) {
  MemoryAmount amount;
  unsigned base = 10;
  std::size_t position = 0;
  if (at(text, 0) == '0') {
    const bool hexadecimal = (at(text, 1) | 0x20) == 'x' && digit_value(at(text, 2)) < 16;
    base = hexadecimal ? 16 : 8;
    if (hexadecimal) position = 2;
    amount.octal = !hexadecimal && digit_value(at(text, 1)) < 10;
  }
  for (; digit_value(at(text, position)) < base; ++position) {
    ByteCount scaled = 0;
    amount.overflowed |= __builtin_mul_overflow(amount.value, base, &scaled);
    amount.overflowed |= __builtin_add_overflow(scaled, digit_value(text[position]), &amount.value);
    amount.has_digits = true;
  }
  if (const unsigned shift = unit_shift(at(text, position)); shift != 0) {
    amount.overflowed |= (amount.value >> (64 - shift)) != 0;
    amount.value <<= shift;
    ++position;
  }
  amount.length = position;
  return amount;
}

}  // namespace warmdump
