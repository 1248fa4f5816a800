#include "capture/writer/region_stream.h"

#include <algorithm>
#include <cstring>

namespace warmdump {

Result<void> RegionStream::append(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    if (size_ == kCapacity) TRY(write_full_blocks());
    const ByteCount piece = std::min<ByteCount>(bytes.size(), kCapacity - size_);
    std::memcpy(buffer_ + size_, bytes.data(), piece);
    size_ += piece;
    bytes = bytes.subspan(piece);
  }
  return {};
}

Result<void> RegionStream::append_zeros(ByteCount count) {
  static constexpr std::byte kZeros[64] = {};
  for (; count > sizeof(kZeros); count -= sizeof(kZeros)) TRY(append(kZeros));
  return append(std::span(kZeros).first(count));
}

Result<void> RegionStream::write_full_blocks() {
  const ByteCount whole = round_down(size_, kBlock);
  if (whole == 0) return {};
  TRY(region_.write_at(start_, std::span(buffer_).first(whole)));
  TRY(region_.persist());
  std::memmove(buffer_, buffer_ + whole, size_ - whole);
  start_ += whole;
  size_ -= whole;
  return {};
}

Result<void> RegionStream::flush() {
  TRY(write_full_blocks());
  if (size_ == 0) return {};
  std::memset(buffer_ + size_, 0, kBlock - size_);
  TRY(region_.write_at(start_, std::span(buffer_).first(kBlock)));
  return region_.persist();
}

Result<void> RegionStream::rewrite(ByteCount offset, std::span<const std::byte> bytes,
                                   std::span<std::byte> scratch) {
  TRY(flush());
  const ByteCount from = round_down(offset, kBlock);
  const ByteCount to = round_up(offset + bytes.size(), kBlock);
  if (to - from > scratch.size()) return Error::make(ErrorCode::invalid, "frame too large to be rewritten");
  const auto blocks = scratch.first(to - from);
  TRY(region_.read_at(from, blocks));
  // The block this object still appends to is known better here than there.
  if (to > start_) std::memcpy(blocks.data() + (start_ - from), buffer_, size_);
  std::memcpy(blocks.data() + (offset - from), bytes.data(), bytes.size());
  if (to > start_) std::memcpy(buffer_, blocks.data() + (start_ - from), size_);
  TRY(region_.write_at(from, blocks));
  return region_.persist();
}

}  // namespace warmdump
