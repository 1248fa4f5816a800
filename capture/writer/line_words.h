// Arithmetic on one line of memory, eight words at a time, with the vector instructions that every x86-64
// has.

#pragma once

#include <emmintrin.h>

#include <cstddef>
#include <cstdint>

namespace warmdump {

struct LineWords {
  __m128i pair[4];  // words 0 and 1, 2 and 3, ...
};

// `bytes`: 64 of them, no alignment needed.
inline LineWords load_line(const std::byte* bytes) {
  LineWords line;
  for (int i = 0; i < 4; ++i) line.pair[i] = _mm_loadu_si128(reinterpret_cast<const __m128i*>(bytes) + i);
  return line;
}

inline void store_line(const LineWords& line, std::uint64_t words[8]) {
  for (int i = 0; i < 4; ++i) _mm_storeu_si128(reinterpret_cast<__m128i*>(words) + i, line.pair[i]);
}

inline bool is_zero(const LineWords& line) {
  const __m128i any =
      _mm_or_si128(_mm_or_si128(line.pair[0], line.pair[1]), _mm_or_si128(line.pair[2], line.pair[3]));
  return _mm_movemask_epi8(_mm_cmpeq_epi8(any, _mm_setzero_si128())) == 0xffff;
}

// Word by word, modulo 2^64.
inline LineWords difference(const LineWords& line, const LineWords& reference) {
  LineWords result;
  for (int i = 0; i < 4; ++i) result.pair[i] = _mm_sub_epi64(line.pair[i], reference.pair[i]);
  return result;
}

// Lower and upper 32 bits of four words.
inline __m128i lower_halves(__m128i first, __m128i second) {
  return _mm_castps_si128(_mm_shuffle_ps(_mm_castsi128_ps(first), _mm_castsi128_ps(second), 0x88));
}
inline __m128i upper_halves(__m128i first, __m128i second) {
  return _mm_castps_si128(_mm_shuffle_ps(_mm_castsi128_ps(first), _mm_castsi128_ps(second), 0xdd));
}

// What kind of word each difference is: one bit a word, word 0 in the lowest.
struct LineShape {
  std::uint32_t is_zero;
  std::uint32_t is_move;  // equals `move`, which may be zero
  std::uint32_t fits2;    // signed; every word of is_zero and is_move counts as fitting
  std::uint32_t fits4;
};

// `move`: below 2^31.
inline LineShape shape_of(const LineWords& difference, std::uint32_t move) {
  const __m128i none = _mm_setzero_si128();
  const __m128i moves = _mm_set1_epi32(static_cast<int>(move));
  __m128i zero[2];
  __m128i moved[2];
  __m128i two[2];
  __m128i four[2];
  for (int i = 0; i < 2; ++i) {
    const __m128i lower = lower_halves(difference.pair[2 * i], difference.pair[2 * i + 1]);
    const __m128i upper = upper_halves(difference.pair[2 * i], difference.pair[2 * i + 1]);
    const __m128i no_upper = _mm_cmpeq_epi32(upper, none);
    zero[i] = _mm_and_si128(no_upper, _mm_cmpeq_epi32(lower, none));
    moved[i] = _mm_and_si128(no_upper, _mm_cmpeq_epi32(lower, moves));
    four[i] = _mm_cmpeq_epi32(_mm_srai_epi32(lower, 31), upper);
    two[i] = _mm_and_si128(four[i], _mm_cmpeq_epi32(_mm_srai_epi32(_mm_slli_epi32(lower, 16), 16), lower));
  }
  const auto free = static_cast<std::uint32_t>(_mm_movemask_epi8(
      _mm_packs_epi16(_mm_packs_epi32(zero[0], zero[1]), _mm_packs_epi32(moved[0], moved[1]))));
  const auto fitting = static_cast<std::uint32_t>(
      _mm_movemask_epi8(_mm_packs_epi16(_mm_packs_epi32(two[0], two[1]), _mm_packs_epi32(four[0], four[1]))));
  const std::uint32_t is_zero = free & 0xff;
  const std::uint32_t is_move = free >> 8;
  return {is_zero, is_move, (fitting & 0xff) | is_zero | is_move, (fitting >> 8) | is_zero | is_move};
}

// The same for lines whose words agree in their upper halves, different for most others: lines of the same
// kind of object agree there, for pointers into the same memory do.
inline std::uint64_t likeness(const LineWords& line) {
  const __m128i first =
      _mm_madd_epi16(upper_halves(line.pair[0], line.pair[1]),
                     _mm_setr_epi16(0x3ec7, 0x5b85, 0x7a6d, 0x1d3f, 0x61c9, 0x2e53, 0x4f1b, 0x35a7));
  const __m128i second =
      _mm_madd_epi16(upper_halves(line.pair[2], line.pair[3]),
                     _mm_setr_epi16(0x22ab, 0x5e15, 0x39cf, 0x73b9, 0x17e3, 0x4d47, 0x6b31, 0x2a9d));
  const __m128i sum = _mm_add_epi32(first, _mm_shuffle_epi32(second, 0x39));
  const auto lower = static_cast<std::uint64_t>(_mm_cvtsi128_si64(sum));
  const auto upper = static_cast<std::uint64_t>(_mm_cvtsi128_si64(_mm_unpackhi_epi64(sum, sum)));
  return (lower + upper * 0x9e37'79b9'7f4a'7c15) * 0xc2b2'ae3d'27d4'eb4f;
}

}  // namespace warmdump
