// The two things done to every page that a capture keeps: copying it, and asking whether it is all zeros. In
// the processor's own vectors of 16 bytes, because the C library the capture is linked with may do either
// slowly.

#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace warmdump {

namespace page_bytes {
// GCC and Clang turn it into the vector registers every x86_64 has.
using Vector = std::uint64_t __attribute__((vector_size(16)));
inline constexpr std::size_t kLine = 64;

inline Vector load(const std::byte* from) {
  Vector value;
  std::memcpy(&value, from, sizeof(value));
  return value;
}
inline void store(std::byte* to, Vector value) {
  std::memcpy(to, &value, sizeof(value));
}
}  // namespace page_bytes

// `size`: a multiple of 64 bytes. The two must not overlap, except that `to` may lie below `from`.
inline void copy_pages(std::byte* to, const std::byte* from, std::size_t size) {
  using namespace page_bytes;
  for (std::size_t i = 0; i < size; i += kLine) {
    const Vector a = load(from + i);
    const Vector b = load(from + i + 16);
    const Vector c = load(from + i + 32);
    const Vector d = load(from + i + 48);
    store(to + i, a);
    store(to + i + 16, b);
    store(to + i + 32, c);
    store(to + i + 48, d);
  }
}

// `size`: a multiple of 64 bytes.
inline bool is_all_zero(const std::byte* bytes, std::size_t size) {
  using namespace page_bytes;
  for (std::size_t i = 0; i < size; i += kLine) {
    const Vector any =
        (load(bytes + i) | load(bytes + i + 16)) | (load(bytes + i + 32) | load(bytes + i + 48));
    if ((any[0] | any[1]) != 0) return false;
  }
  return true;
}

}  // namespace warmdump
