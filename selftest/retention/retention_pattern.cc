#include "selftest/retention/retention_pattern.h"

#include <cstring>

#include "common/dump_format/dump_format.h"

namespace warmdump {
namespace {

// splitmix64, by Sebastiano Vigna (public domain).
std::uint64_t mix(std::uint64_t value) {
  value = (value ^ (value >> 30)) * 0xbf58'476d'1ce4'e5b9;
  value = (value ^ (value >> 27)) * 0x94d0'49bb'1331'11eb;
  return value ^ (value >> 31);
}

}  // namespace

void make_retention_pattern(std::uint64_t seed, ByteCount offset, std::span<std::byte> bytes) {
  for (ByteCount at = 0; at + 8 <= bytes.size(); at += 8) {
    const std::uint64_t word = mix(seed + ((offset + at) / 8 + 1) * 0x9e37'79b9'7f4a'7c15);
    std::memcpy(bytes.data() + at, &word, sizeof word);
  }
}

ByteCount retention_pattern_end(ByteCount region_size) {
  return round_down(region_size - dump_format::kTailReserve, kPageSize);
}

bool is_retention_page(ByteCount region_size, ByteCount offset) {
  static_assert(dump_format::kHeaderSize == kPageSize);
  return offset > dump_format::kHeaderOffset && offset != dump_format::kHeaderCopyOffset &&
         offset < retention_pattern_end(region_size);
}

}  // namespace warmdump
