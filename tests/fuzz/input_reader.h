// InputReader: takes an input apart. Beyond its end everything is zero, so every input means something.

#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string>

#include "tests/fuzz/fuzz_target.h"

namespace warmdump::fuzz {

class InputReader {
 public:
  explicit InputReader(Input input) : rest_(input) {}

  bool at_end() const { return rest_.empty(); }

  template <class Number>
  Number number() {
    Number value{};
    const Input bytes = take(sizeof(value));
    if (!bytes.empty()) std::memcpy(&value, bytes.data(), bytes.size());
    return value;
  }

  // At most `size` bytes.
  Input take(std::size_t size) {
    const Input taken = rest_.first(std::min(size, rest_.size()));
    rest_ = rest_.subspan(taken.size());
    return taken;
  }

  // A piece whose length, two bytes, stands before it.
  Input piece() { return take(number<std::uint16_t>()); }
  std::string text() {
    const Input bytes = piece();
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
  }

  Input rest() { return take(rest_.size()); }

 private:
  Input rest_;
};

// The other direction, for seeds.
class InputWriter {
 public:
  template <class Number>
  InputWriter& number(Number value) {
    return append(std::as_bytes(std::span(&value, 1)));
  }
  InputWriter& append(Input bytes) {
    bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
    return *this;
  }
  InputWriter& piece(Input bytes) { return number(static_cast<std::uint16_t>(bytes.size())).append(bytes); }
  InputWriter& text(std::string_view text) { return piece(std::as_bytes(std::span(text))); }

  const std::vector<std::byte>& bytes() const { return bytes_; }

 private:
  std::vector<std::byte> bytes_;
};

}  // namespace warmdump::fuzz
