// Text: a line put together in a fixed buffer. Runs in the crash kernel: no heap, no exceptions.
//
//   Text<128> line;
//   line << "kept " << count << " pages, from " << Hex{address};

#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace warmdump {

struct Hex {
  std::uint64_t value;
};

// What does not fit is cut off; the text is always zero-terminated.
template <std::size_t kCapacity>
class Text {
 public:
  Text& operator<<(std::string_view piece) {
    const std::size_t room = kCapacity - 1 - size_;
    const std::size_t length = piece.size() < room ? piece.size() : room;
    std::memcpy(buffer_ + size_, piece.data(), length);
    size_ += length;
    buffer_[size_] = '\0';
    return *this;
  }
  Text& operator<<(const char* piece) { return *this << std::string_view(piece); }
  Text& operator<<(char piece) { return *this << std::string_view(&piece, 1); }
  Text& operator<<(std::uint64_t value) { return number(value, 10); }
  Text& operator<<(unsigned value) { return number(value, 10); }
  Text& operator<<(int value) {
    if (value < 0) *this << '-';
    return number(static_cast<std::uint64_t>(value < 0 ? -static_cast<std::int64_t>(value) : value), 10);
  }
  Text& operator<<(Hex hex) {
    *this << "0x";
    return number(hex.value, 16);
  }

  std::string_view view() const { return {buffer_, size_}; }
  const char* c_str() const { return buffer_; }

 private:
  Text& number(std::uint64_t value, unsigned base) {
    char digits[20];
    std::size_t count = 0;
    do {
      digits[count++] = "0123456789abcdef"[value % base];
      value /= base;
    } while (value != 0);
    while (count > 0) *this << digits[--count];
    return *this;
  }

  char buffer_[kCapacity] = {};
  std::size_t size_ = 0;
};

}  // namespace warmdump
