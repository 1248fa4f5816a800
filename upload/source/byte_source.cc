#include "upload/source/byte_source.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <functional>
#include <string>
#include <vector>

#include "common/hosted/sha256.h"

namespace warmdump {
namespace {

constexpr ByteCount kChunkBytes = 128 * kKiB;

using TakeBytes = std::function<Outcome<void>(ByteCount offset, std::span<const std::byte>)>;

Outcome<void> for_each_chunk(const ByteSource& source, ByteCount size, const BytesDone& done,
                             const TakeBytes& take) {
  std::vector<std::byte> chunk(std::min(std::max<ByteCount>(size, 1), kChunkBytes));
  for (ByteCount offset = 0; offset < size;) {
    const auto wanted = std::span(chunk).first(std::min<ByteCount>(size - offset, chunk.size()));
    const std::size_t got = TRY(source.read(offset, wanted));
    if (got == 0) return Failure(ErrorCode::corrupt, fmt::format("ends early, at offset {:#x}", offset));
    TRY(take(offset, wanted.first(got)));
    offset += got;
    done(offset);
  }
  return {};
}

Outcome<void> write_all(int target, ByteCount offset, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::pwrite(target, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return Failure::system(fmt::format("at offset {:#x}", offset), errno);
    bytes = bytes.subspan(static_cast<std::size_t>(written));
    offset += static_cast<ByteCount>(written);
  }
  return {};
}

}  // namespace

Outcome<std::size_t> TextSource::read(ByteCount offset, std::span<std::byte> target) const {
  if (offset >= text_.size()) return std::size_t{0};
  const auto part = std::as_bytes(std::span(text_)).subspan(offset);
  const std::size_t size = std::min(part.size(), target.size());
  std::copy_n(part.begin(), size, target.begin());
  return size;
}

Outcome<std::string> sha256_of(const ByteSource& source, ByteCount size, const BytesDone& done) {
  Sha256 hash = TRY(Sha256::begin());
  TRY(for_each_chunk(source, size, done,
                     [&hash](ByteCount, std::span<const std::byte> bytes) -> Outcome<void> {
                       hash.add(bytes);
                       return {};
                     }));
  return hash.finish();
}

Outcome<void> write_to_file(const ByteSource& source, int target, ByteCount size, const BytesDone& done) {
  return for_each_chunk(source, size, done, [target](ByteCount offset, std::span<const std::byte> bytes) {
    return write_all(target, offset, bytes);
  });
}

}  // namespace warmdump
