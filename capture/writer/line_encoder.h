// LineEncoder: the first half of codec `lines` (docs/DUMP_FORMAT.md). Memory is full of records that differ
// from an earlier one in a few words; this finds the earlier one and leaves the difference, for zstd to
// squeeze. No heap.

#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "common/dump_format/dump_format.h"

namespace warmdump {

class LineEncoder {
 public:
  struct Split {
    dump_format::LinesPrefix prefix;
    std::span<const std::byte> noise;    // in the caller's memory
    std::span<const std::byte> content;  // what zstd gets; in this object, until the next call
  };

  // `payload`: at most kFrameRawSizeMax bytes; `noise_target`: as many bytes, for the lines that look random.
  Split split(std::span<const std::byte> payload, std::span<std::byte> noise_target);

 private:
  static constexpr std::size_t kLinesMax = dump_format::kFrameRawSizeMax / dump_format::kLineSize;
  static constexpr std::size_t kRecentBits = 12;
  static constexpr std::uint16_t kNoLine = 0xffff;
  static_assert(kLinesMax < kNoLine);
  // A store of a word may touch what lies behind its end; see emit().
  static constexpr std::size_t kGap = 8;

  // Fills in modes and tags at the start of content_, and distances_ and tags_. Counts into `prefix`.
  void predict(const std::byte* lines, std::size_t line_count, dump_format::LinesPrefix& prefix);
  // Puts distances, lines and words behind them; returns the end of the content.
  std::byte* emit(const std::byte* lines, std::size_t line_count, const dump_format::LinesPrefix& prefix,
                  std::byte* noise);

  // By likeness: the last line of that kind, and more bits of its likeness.
  std::uint16_t recent_[1 << kRecentBits];
  std::uint16_t recent_check_[1 << kRecentBits] = {};
  std::uint16_t distances_[kLinesMax];
  std::uint16_t tags_[kLinesMax];  // of each line; 0 where the line is not coded
  alignas(64) std::byte content_[dump_format::kLinesContentMax + 2 * kGap + sizeof(std::uint64_t)];
};

}  // namespace warmdump
