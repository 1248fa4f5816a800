#include "recover/output/output_stream.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace warmdump {
namespace {

Failure failure_of(int system_errno) {
  if (system_errno != EPIPE) return Failure::system("cannot write to standard output", system_errno);
  return Failure(ErrorCode::io,
                 "standard output was closed by its reader before the dump was whole: broken pipe");
}

}  // namespace

Outcome<void> OutputStream::write_at(ByteCount offset, std::span<const std::byte> bytes) {
  if (failed_errno_ != 0) return failure_of(failed_errno_);
  if (offset != position_) return Failure(ErrorCode::invalid, "a stream is written from front to back only");
  while (!bytes.empty()) {
    const ssize_t count = ::write(fd_, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) {
      failed_errno_ = errno;
      return failure_of(failed_errno_);
    }
    position_ += static_cast<ByteCount>(count);
    bytes = bytes.subspan(static_cast<std::size_t>(count));
  }
  return {};
}

Outcome<void> OutputStream::write_zeros(ByteCount offset, ByteCount size) {
  static constexpr std::array<std::byte, 64 * kKiB> kZeros{};
  while (size > 0) {
    const ByteCount part = std::min<ByteCount>(size, kZeros.size());
    TRY(write_at(offset, std::span(kZeros).first(part)));
    offset += part;
    size -= part;
  }
  return {};
}

Outcome<void> OutputStream::require_space(ByteCount) const {
  return {};
}

}  // namespace warmdump
