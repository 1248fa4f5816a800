#include "recover/output/bitmap_writer.h"

#include <algorithm>

namespace warmdump {
namespace {

constexpr ByteCount kWindowSize = 64 * kKiB;

}  // namespace

BitmapWriter::BitmapWriter(OutputTarget& target, ByteCount file_offset, ByteCount size)
    : target_(target), file_offset_(file_offset), size_(size), window_(kWindowSize) {}

Outcome<void> BitmapWriter::set(Pfn first, Pfn end) {
  while (first < end) {
    const ByteCount window_start = round_down(first / 8, kWindowSize);
    if (window_start != window_start_) {
      TRY(write_window());
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

Outcome<void> BitmapWriter::write_window() {
  if (!dirty_) return {};
  TRY(write_zeros_up_to(window_start_));
  const ByteCount size = std::min(kWindowSize, size_ - window_start_);
  TRY(target_.write_at(file_offset_ + window_start_, std::span(window_).first(size)));
  written_ = window_start_ + size;
  std::fill(window_.begin(), window_.end(), std::byte{0});
  dirty_ = false;
  return {};
}

Outcome<void> BitmapWriter::write_zeros_up_to(ByteCount end) {
  if (written_ >= end) return {};
  TRY(target_.write_zeros(file_offset_ + written_, end - written_));
  written_ = end;
  return {};
}

Outcome<void> BitmapWriter::finish() {
  TRY(write_window());
  return write_zeros_up_to(size_);
}

}  // namespace warmdump
