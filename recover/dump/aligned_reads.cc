#include "recover/dump/aligned_reads.h"

#include <algorithm>
#include <cstring>

#include "recover/dump/aligned_buffer.h"

namespace warmdump {
namespace {

constexpr ByteCount kWindowSize = 256 * kKiB;

bool is_aligned(ByteCount offset, std::span<const std::byte> bytes) {
  return offset % kDirectAlignment == 0 && bytes.size() % kDirectAlignment == 0 &&
         reinterpret_cast<std::uintptr_t>(bytes.data()) % kDirectAlignment == 0;
}

}  // namespace

Result<void> AlignedReads::read_at(ByteCount offset, std::span<std::byte> target) const {
  if (is_aligned(offset, target) || offset > size() || target.size() > size() - offset) {
    return device_.read_at(offset, target);
  }
  thread_local AlignedBuffer window(kWindowSize);
  while (!target.empty()) {
    const ByteCount begin = round_down(offset, kDirectAlignment);
    const ByteCount skip = offset - begin;
    const ByteCount wanted = std::min<ByteCount>(target.size(), kWindowSize - skip);
    const auto bytes =
        window.bytes().first(std::min(round_up(skip + wanted, kDirectAlignment), size() - begin));
    TRY(device_.read_at(begin, bytes));
    std::memcpy(target.data(), bytes.data() + skip, wanted);
    offset += wanted;
    target = target.subspan(wanted);
  }
  return {};
}

Result<void> AlignedReads::write_at(ByteCount, std::span<const std::byte>) {
  return Error::make(ErrorCode::refused, "opened for reading only");
}

Result<void> AlignedReads::persist() {
  return Error::make(ErrorCode::refused, "opened for reading only");
}

}  // namespace warmdump
