#include "recover/output/bitmap_writer.h"

#include <algorithm>

namespace warmdump {
namespace {

constexpr ByteCount kWindowSize = 64 * kKiB;

}  // namespace

BitmapWriter::BitmapWriter(const OutputFile& file, ByteCount file_offset)
    : file_(file), file_offset_(file_offset), window_(kWindowSize) {}

Outcome<void> BitmapWriter::set(Pfn first, Pfn end) {
  while (first < end) {
    const ByteCount window_start = round_down(first / 8, kWindowSize);
    if (window_start != window_start_) {
      TRY(finish());
      window_start_ = window_start;
    }
    const Pfn part_end = std::min(end, (window_start_ + kWindowSize) * 8);
    for (; first < part_end && first % 8 != 0; ++first) {
      window_[first / 8 - window_start_] |= std::byte{1} << (first % 8);
    }
    const Pfn whole_end = std::max(first, round_down(part_end, 8));
    std::fill(window_.begin() + static_cast<std::ptrdiff_t>((first + 7) / 8 - window_start_),
              window_.begin() + static_cast<std::ptrdiff_t>((whole_end + 7) / 8 - window_start_),
              std::byte{0xff});
    for (first = whole_end; first < part_end; ++first) {
      window_[first / 8 - window_start_] |= std::byte{1} << (first % 8);
    }
    dirty_ = true;
  }
  return {};
}

Outcome<void> BitmapWriter::finish() {
  if (!dirty_) return {};
  TRY(file_.write_at(file_offset_ + window_start_, window_));
  std::fill(window_.begin(), window_.end(), std::byte{0});
  dirty_ = false;
  return {};
}

}  // namespace warmdump
