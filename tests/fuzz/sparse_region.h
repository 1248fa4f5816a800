// SparseRegion: a region of which only a few pieces are not zero, so that an input costs what its bytes cost.

#pragma once

#include <algorithm>
#include <cstring>
#include <map>
#include <vector>

#include "common/device.h"

namespace warmdump::fuzz {

class SparseRegion final : public Device {
 public:
  explicit SparseRegion(ByteCount size) : size_(size) {}

  // What lies beyond the end is cut off.
  void put(ByteCount offset, std::span<const std::byte> bytes) {
    if (offset >= size_) return;
    const std::size_t fits = std::min<ByteCount>(bytes.size(), size_ - offset);
    pieces_[offset].assign(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(fits));
  }

  ByteCount size() const override { return size_; }

  Result<void> read_at(ByteCount offset, std::span<std::byte> target) const override {
    if (offset > size_ || target.size() > size_ - offset) {
      return Error::make(ErrorCode::invalid, "read past the end").at(WhereKind::file_offset, offset);
    }
    std::fill(target.begin(), target.end(), std::byte{0});
    for (const auto& [start, bytes] : pieces_) {
      const ByteCount first = std::max(start, offset);
      const ByteCount end = std::min(start + bytes.size(), offset + target.size());
      if (first < end) std::memcpy(&target[first - offset], &bytes[first - start], end - first);
    }
    return {};
  }

  Result<void> write_at(ByteCount offset, std::span<const std::byte>) override {
    return Error::make(ErrorCode::invalid, "is only read").at(WhereKind::file_offset, offset);
  }
  Result<void> persist() override { return {}; }

 private:
  ByteCount size_;
  std::map<ByteCount, std::vector<std::byte>> pieces_;
};

}  // namespace warmdump::fuzz
