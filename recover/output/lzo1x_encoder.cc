#include "recover/output/lzo1x_encoder.h"

#include <bit>
#include <cstring>

namespace warmdump {
namespace {

// Instructions, by their first byte.
constexpr std::size_t kLiteralRun = 0;      // 0000LLLL, L = count - 3
constexpr std::size_t kFirstLiterals = 17;  // + count, as the first byte of a stream only
constexpr std::size_t kFirstLiteralsMax = 238;
constexpr std::size_t kFarMatch = 32;   // 001LLLLL DDDDDDSS DDDDDDDD, L = length - 2, D = distance - 1
constexpr std::size_t kNearMatch = 64;  // LLLDDDSS DDDDDDDD, L = length - 1, D = distance - 1
constexpr std::size_t kEnd[] = {17, 0, 0};

constexpr std::size_t kNearDistanceMax = 2048;
constexpr std::size_t kNearLengthMax = 8;
constexpr std::size_t kStateLiteralsMax = 3;  // literals that the S of the match before them can count

constexpr std::size_t kMatchMin = 4;
// After so many bytes without a match the search goes in longer steps.
constexpr unsigned kStepShift = 5;
constexpr unsigned kHashBits = 12;

template <class T>
T load(const std::byte* at) {
  T value;
  std::memcpy(&value, at, sizeof(value));
  return value;
}

std::size_t hash(std::uint32_t bytes) {
  return (bytes * 2654435761U) >> (32 - kHashBits);
}

std::size_t common_length(const std::byte* left, const std::byte* right, const std::byte* right_end) {
  const std::byte* const start = right;
  for (; right + 8 <= right_end; left += 8, right += 8) {
    const std::uint64_t difference = load<std::uint64_t>(left) ^ load<std::uint64_t>(right);
    if (difference != 0)
      return static_cast<std::size_t>(right - start) +
             static_cast<std::size_t>(std::countr_zero(difference)) / 8;
  }
  while (right < right_end && *left == *right) ++left, ++right;
  return static_cast<std::size_t>(right - start);
}

}  // namespace

// `length` in the low bits of `instruction`, and in bytes behind it when it is more than `field_max`.
void Lzo1xEncoder::put_length(std::size_t length, std::size_t field_max, std::size_t instruction) {
  if (length <= field_max) return put(instruction | length);
  put(instruction);
  for (length -= field_max; length > 255; length -= 255) put(0);
  put(length);
}

void Lzo1xEncoder::put_literals(const std::byte* literals, std::size_t count) {
  if (count == 0) return;
  if (size_ == 0 && count <= kFirstLiteralsMax) {
    put(kFirstLiterals + count);
  } else if (state_at_ != 0 && count <= kStateLiteralsMax) {
    stream_[state_at_] |= static_cast<std::byte>(count);
  } else {
    put_length(count - 3, 15, kLiteralRun);
  }
  std::memcpy(stream_.data() + size_, literals, count);
  size_ += count;
}

void Lzo1xEncoder::put_match(std::size_t distance, std::size_t length) {
  --distance;
  if (length <= kNearLengthMax && distance < kNearDistanceMax) {
    state_at_ = size_;
    put((length - 1) << 5 | (distance & 7) << 2);
    put(distance >> 3);
    return;
  }
  put_length(length - 2, 31, kFarMatch);
  state_at_ = size_;
  put((distance & 63) << 2);
  put(distance >> 6);
}

std::span<const std::byte> Lzo1xEncoder::encode(std::span<const std::byte, kPageSize> page) {
  static_assert(kNearMatch == (3 - 1) << 5, "a near match of three bytes is the shortest");
  size_ = 0;
  state_at_ = 0;
  last_seen_.fill(0);
  const std::byte* const start = page.data();
  const std::byte* const end = start + page.size();
  const std::byte* literals = start;
  // The table says 0 for what was not seen: the first byte is never the start of a match, only its target.
  for (const std::byte* at = start + 1; at + kMatchMin <= end;) {
    const auto bytes = load<std::uint32_t>(at);
    std::uint16_t& seen = last_seen_[hash(bytes)];
    const std::byte* const candidate = start + seen;
    seen = static_cast<std::uint16_t>(at - start);
    if (load<std::uint32_t>(candidate) != bytes) {
      at += 1 + (static_cast<std::size_t>(at - literals) >> kStepShift);
      continue;
    }
    put_literals(literals, static_cast<std::size_t>(at - literals));
    const std::size_t length = kMatchMin + common_length(candidate + kMatchMin, at + kMatchMin, end);
    put_match(static_cast<std::size_t>(at - candidate), length);
    at += length;
    literals = at;
  }
  put_literals(literals, static_cast<std::size_t>(end - literals));
  for (const std::size_t byte : kEnd) put(byte);
  return std::span(stream_).first(size_);
}

}  // namespace warmdump
