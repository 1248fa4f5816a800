// Compresses single pages to LZO1X streams, which crash, makedumpfile and libkdumpfile expand with liblzo2.
//
// An encoder of our own, because liblzo2 comes under a license that would take the whole program with it. The
// format is that of the kernel's Documentation/staging/lzo.rst. Only instructions that reach over a page are
// used: literals, matches of 3 to 8 bytes within 2 KiB, and matches of any length within 16 KiB.

#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "common/units.h"

namespace warmdump {

class Lzo1xEncoder {
 public:
  // Returns the stream, a view into this object that lives until the next call; at most kStreamSizeMax bytes.
  std::span<const std::byte> encode(std::span<const std::byte, kPageSize> page);

  // A byte of length for each 255 literals, and what begins and ends the stream.
  static constexpr std::size_t kStreamSizeMax = kPageSize + kPageSize / 16 + 64;

 private:
  void put(std::size_t value) { stream_[size_++] = static_cast<std::byte>(value); }
  void put_length(std::size_t length, std::size_t field_max, std::size_t instruction);
  void put_literals(const std::byte* literals, std::size_t count);
  void put_match(std::size_t distance, std::size_t length);

  std::array<std::byte, kStreamSizeMax> stream_;
  std::size_t size_ = 0;
  std::size_t state_at_ = 0;  // where the last match keeps the number of literals behind it; 0: no match yet
  std::array<std::uint16_t, 4096> last_seen_;  // position of the last four bytes with this hash
};

}  // namespace warmdump
