#include "capture/writer/line_encoder.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

#include "capture/writer/line_words.h"

namespace warmdump {

using namespace dump_format;

namespace {

static_assert(std::endian::native == std::endian::little);

// A line that would take so many bytes of words is left to zstd as it is: text and code, not records.
constexpr unsigned kPlainCost = 40;
// A fresh distance counts as one byte: half of what it takes to store.
constexpr std::uint64_t kDistanceCost = std::uint64_t{1} << 40;
// A reference as good as this is taken without looking for a better one.
constexpr unsigned kGoodCost = 2;
constexpr std::size_t kNoiseLines = 64;

constexpr std::byte kZeroLine[kLineSize] = {};

// By a mask with one bit a word: how many words, and the mask with two bits a word.
constexpr auto kWordCount = [] {
  std::array<std::uint8_t, 256> table{};
  for (unsigned mask = 0; mask < 256; ++mask) table[mask] = static_cast<std::uint8_t>(std::popcount(mask));
  return table;
}();
constexpr auto kSpread = [] {
  std::array<std::uint16_t, 256> table{};
  for (unsigned mask = 0; mask < 256; ++mask) {
    for (unsigned word = 0; word < 8; ++word) {
      if ((mask >> word & 1) != 0) table[mask] = static_cast<std::uint16_t>(table[mask] | 1U << (2 * word));
    }
  }
  return table;
}();

// A way to tell a line, as one number: the smallest is the cheapest, and to choose takes no branch.
//   bits 40..47 bytes of words, 32..33 LineReference, 24..31 fits4, 16..23 fits2, 8..15 is_move, 0..7 is_zero
using Candidate = std::uint64_t;

Candidate candidate(const LineWords& difference, LineReference reference, std::size_t distance) {
  const LineShape shape = shape_of(difference, static_cast<std::uint32_t>(distance * kLineSize));
  const unsigned cost = 64U - 2U * kWordCount[shape.is_zero | shape.is_move] - 2U * kWordCount[shape.fits2] -
                        4U * kWordCount[shape.fits4];
  return Candidate{cost} << 40 | Candidate{static_cast<unsigned>(reference)} << 32 | shape.fits4 << 24 |
         shape.fits2 << 16 | shape.is_move << 8 | shape.is_zero;
}

unsigned cost_of(Candidate candidate) {
  return static_cast<unsigned>(candidate >> 40);
}
LineReference reference_of(Candidate candidate) {
  return static_cast<LineReference>(candidate >> 32 & 3);
}
LineShape shape_of(Candidate c) {
  return {static_cast<std::uint32_t>(c & 0xff), static_cast<std::uint32_t>(c >> 8 & 0xff),
          static_cast<std::uint32_t>(c >> 16 & 0xff), static_cast<std::uint32_t>(c >> 24 & 0xff)};
}

struct CodedWords {
  std::uint16_t tags;
  LineWidths widths;
  unsigned words[3];  // of 2, 4 and 8 bytes
};

CodedWords coded_words(const LineShape& shape) {
  const std::uint32_t free = shape.is_zero | shape.is_move;
  const unsigned twos = kWordCount[shape.fits2] - kWordCount[free];
  const unsigned fours = kWordCount[shape.fits4] - kWordCount[shape.fits2];
  const unsigned eights = 8U - kWordCount[shape.fits4];
  CodedWords coded{0, LineWidths::two_four, {twos, fours, 0}};
  if (eights != 0 && fours == 0) coded = {0, LineWidths::two_eight, {twos, 0, eights}};
  if (eights != 0 && fours != 0) coded = {0, LineWidths::four_eight, {0, twos + fours, eights}};
  const bool is_two_narrow = coded.widths != LineWidths::four_eight;
  const std::uint32_t narrow = (is_two_narrow ? shape.fits2 : shape.fits4) & ~free;
  const std::uint32_t wide = 0xffU & ~free & ~narrow;
  coded.tags = static_cast<std::uint16_t>(kSpread[shape.is_move & ~shape.is_zero] + 2U * kSpread[narrow] +
                                          3U * kSpread[wide]);
  return coded;
}

// Whether 64 lines hold nothing that Huffman coding could use: encrypted or compressed data. Eight bytes of
// each line are counted; of random ones, 512 bytes make a sum of squares of 1534 +- 45.
bool looks_random(const std::byte* lines) {
  std::uint16_t counts[256] = {};
  for (std::size_t line = 0; line < kNoiseLines; ++line) {
    const std::byte* sample = lines + line * kLineSize + line % 8 * 8;
    for (int i = 0; i < 8; ++i) ++counts[std::to_integer<std::uint8_t>(sample[i])];
  }
  std::uint32_t sum = 0;
  for (const std::uint16_t count : counts) sum += std::uint32_t{count} * count;
  return sum < 2000;
}

}  // namespace

void LineEncoder::predict(const std::byte* lines, std::size_t line_count, LinesPrefix& prefix) {
  std::memset(recent_, 0xff, sizeof(recent_));
  auto* const modes = reinterpret_cast<std::uint8_t*>(content_);
  std::byte* tags_end = content_ + line_count;
  std::uint16_t* distances_end = distances_;
  std::size_t words[3] = {};
  std::size_t plain_count = 0;
  std::size_t noise_count = 0;
  std::size_t plain_run = 0;
  std::size_t distance = 1;
  for (std::size_t i = 0; i < line_count; ++i) {
    const std::byte* bytes = lines + i * kLineSize;
    const LineWords line = load_line(bytes);
    tags_[i] = 0;
    if (is_zero(line)) {
      modes[i] = static_cast<std::uint8_t>(LineMode::zeros);
      plain_run = 0;
      continue;
    }

    const bool has_last = i >= distance;
    const LineWords from_last =
        difference(line, load_line(has_last ? bytes - distance * kLineSize : kZeroLine));
    if (is_zero(from_last)) {  // never from zeros: the line is not zero
      modes[i] = static_cast<std::uint8_t>(LineMode::same);
      plain_run = 0;
      continue;
    }

    const std::uint64_t kind = likeness(line);
    const std::size_t slot = kind >> (64 - kRecentBits);
    const auto check = static_cast<std::uint16_t>(kind >> 32);
    const std::size_t like = recent_check_[slot] == check ? recent_[slot] : kNoLine;
    recent_check_[slot] = check;
    recent_[slot] = static_cast<std::uint16_t>(i);
    Candidate best =
        candidate(from_last, has_last ? LineReference::last : LineReference::zeros, has_last ? distance : 0);
    if (cost_of(best) > kGoodCost) {
      best = std::min(best, candidate(line, LineReference::zeros, 0));
      if (like != kNoLine) {
        const LineWords from_like = difference(line, load_line(lines + like * kLineSize));
        best = std::min(best, candidate(from_like, LineReference::next, i - like) + kDistanceCost);
      }
      if (cost_of(best) >= kPlainCost) {
        modes[i] = static_cast<std::uint8_t>(LineMode::plain);
        ++plain_count;
        if (++plain_run == kNoiseLines) {
          plain_run = 0;
          if (looks_random(bytes - (kNoiseLines - 1) * kLineSize)) {
            std::memset(modes + i + 1 - kNoiseLines, static_cast<int>(LineMode::noise), kNoiseLines);
            plain_count -= kNoiseLines;
            noise_count += kNoiseLines;
          }
        }
        continue;
      }
    }

    plain_run = 0;
    if (reference_of(best) == LineReference::next) {
      distance = i - like;
      *distances_end++ = static_cast<std::uint16_t>(distance);
    }
    const CodedWords coded = coded_words(shape_of(best));
    for (int width = 0; width < 3; ++width) words[width] += coded.words[width];
    const bool repeats = reference_of(best) != LineReference::zeros && tags_[i - distance] == coded.tags;
    tags_[i] = coded.tags;
    std::memcpy(tags_end, &coded.tags, sizeof(coded.tags));
    tags_end += repeats ? 0U : sizeof(coded.tags);
    modes[i] = static_cast<std::uint8_t>(kLineCoded | static_cast<unsigned>(reference_of(best)) |
                                         static_cast<unsigned>(coded.widths) << kLineWidthsShift |
                                         (repeats ? kLineTagsRepeat : 0U));
  }
  const auto count = [](std::size_t value) { return static_cast<std::uint32_t>(value); };
  prefix.tag_count = count((static_cast<std::size_t>(tags_end - content_) - line_count) / 2);
  prefix.distance_count = count(static_cast<std::size_t>(distances_end - distances_));
  prefix.plain_count = count(plain_count);
  prefix.noise_count = count(noise_count);
  prefix.word2_count = count(words[0]);
  prefix.word4_count = count(words[1]);
  prefix.word8_count = count(words[2]);
}

std::byte* LineEncoder::emit(const std::byte* lines, std::size_t line_count, const LinesPrefix& prefix,
                             std::byte* noise) {
  const auto* const modes = reinterpret_cast<const std::uint8_t*>(content_);
  std::byte* const distances = content_ + line_count + 2 * prefix.tag_count;
  std::memcpy(distances, distances_, 2 * prefix.distance_count);
  std::byte* plain = distances + 2 * prefix.distance_count;
  std::byte* eights = plain + kLineSize * prefix.plain_count;
  // Every word is written to all three places and kept in one, without a branch; the gaps take what is
  // written behind the last word of a kind, and are closed in the end.
  std::byte* const fours_start = eights + 8 * prefix.word8_count + kGap;
  std::byte* fours = fours_start;
  std::byte* const twos_start = fours + 4 * prefix.word4_count + kGap;
  std::byte* twos = twos_start;

  const std::uint16_t* next_distance = distances_;
  std::size_t distance = 1;
  for (std::size_t i = 0; i < line_count; ++i) {
    const std::uint8_t mode = modes[i];
    const std::byte* bytes = lines + i * kLineSize;
    if ((mode & kLineCoded) == 0) {
      if (mode == static_cast<std::uint8_t>(LineMode::plain)) {
        std::memcpy(plain, bytes, kLineSize);
        plain += kLineSize;
      } else if (mode == static_cast<std::uint8_t>(LineMode::noise)) {
        std::memcpy(noise, bytes, kLineSize);
        noise += kLineSize;
      }
      continue;
    }
    const auto reference = static_cast<LineReference>(mode & 3);
    if (reference == LineReference::next) distance = *next_distance++;
    const std::uint32_t tags = tags_[i];
    std::uint32_t with_word = tags >> 1 & 0x5555;  // narrow or wide
    if (with_word == 0) continue;
    const bool from_zeros = reference == LineReference::zeros;
    const std::byte* from = from_zeros ? kZeroLine : bytes - distance * kLineSize;
    std::uint64_t words[8];
    store_line(difference(load_line(bytes), load_line(from)), words);
    const auto widths = static_cast<LineWidths>(mode >> kLineWidthsShift & 3);
    const unsigned narrow = widths == LineWidths::four_eight ? 4 : 2;
    const unsigned wide = widths == LineWidths::two_four ? 4 : 8;
    do {
      const int bit = std::countr_zero(with_word);
      with_word &= with_word - 1;
      const std::uint64_t word = words[bit / 2];
      const unsigned width = (tags >> bit & 1) != 0 ? wide : narrow;
      std::memcpy(twos, &word, 2);
      twos += width & 2;
      std::memcpy(fours, &word, 4);
      fours += width & 4;
      std::memcpy(eights, &word, 8);
      eights += width & 8;
    } while (with_word != 0);
  }
  std::memmove(eights, fours_start, 4 * prefix.word4_count);
  std::memmove(eights + 4 * prefix.word4_count, twos_start, 2 * prefix.word2_count);
  return eights + 4 * prefix.word4_count + 2 * prefix.word2_count;
}

LineEncoder::Split LineEncoder::split(std::span<const std::byte> payload, std::span<std::byte> noise_target) {
  const std::size_t head = payload.size() % kLineSize;
  const std::byte* lines = payload.data() + head;
  const std::size_t line_count = payload.size() / kLineSize;
  Split split{};
  predict(lines, line_count, split.prefix);
  std::byte* end = emit(lines, line_count, split.prefix, noise_target.data());
  if (head > 0) std::memcpy(end, payload.data(), head);
  split.noise = noise_target.first(split.prefix.noise_count * kLineSize);
  split.content = std::span(content_, static_cast<std::size_t>(end - content_) + head);
  return split;
}

}  // namespace warmdump
