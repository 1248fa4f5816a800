// Integers as they are stored: little-endian, byte-aligned, the same on every host.
//
// A struct made only of these (and byte arrays) has no padding and may be copied to and from storage as
// it is; that is how every structure of common/dump_format/dump_format.h is written.

#pragma once

#include <cstdint>

namespace warmdump {

template <class T>
class LittleEndian {
 public:
  constexpr LittleEndian() = default;
  constexpr LittleEndian(T value) {  // NOLINT: implicit by design
    for (unsigned i = 0; i < sizeof(T); ++i) bytes_[i] = static_cast<unsigned char>(value >> (8 * i));
  }
  constexpr operator T() const {  // NOLINT
    T value = 0;
    for (unsigned i = 0; i < sizeof(T); ++i)
      value = static_cast<T>(value | static_cast<T>(T{bytes_[i]} << (8 * i)));
    return value;
  }

 private:
  unsigned char bytes_[sizeof(T)] = {};
};

using le16 = LittleEndian<std::uint16_t>;
using le32 = LittleEndian<std::uint32_t>;
using le64 = LittleEndian<std::uint64_t>;

}  // namespace warmdump
