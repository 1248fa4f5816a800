#include "upload/source/byte_source.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "common/hosted/sha256.h"

namespace warmdump {
namespace {

constexpr ByteCount kChunkBytes = 128 * kKiB;

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
  std::vector<std::byte> chunk(std::min(size, kChunkBytes));
  for (ByteCount offset = 0; offset < size;) {
    const auto wanted = std::span(chunk).first(std::min<ByteCount>(size - offset, chunk.size()));
    const std::size_t got = TRY(source.read(offset, wanted));
    if (got == 0) return Failure(ErrorCode::corrupt, fmt::format("ends early, at offset {:#x}", offset));
    hash.add(wanted.first(got));
    offset += got;
    done(offset);
  }
  return hash.finish();
}

}  // namespace warmdump
