#include "upload/sha256.h"

#include <fmt/format.h>
#include <openssl/evp.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <vector>

namespace warmdump {
namespace {

constexpr ByteCount kChunkBytes = 256 * kKiB;

}  // namespace

Outcome<std::string> sha256_of_file(int fd, ByteCount size, const BytesDone& done) {
  const std::unique_ptr<EVP_MD_CTX, void (*)(EVP_MD_CTX*)> context(EVP_MD_CTX_new(), EVP_MD_CTX_free);
  if (!context || EVP_DigestInit_ex(context.get(), EVP_sha256(), nullptr) != 1) {
    return Failure(ErrorCode::unsupported, "OpenSSL offers no SHA-256");
  }
  std::vector<unsigned char> chunk(std::min(std::max<ByteCount>(size, 1), kChunkBytes));
  for (ByteCount offset = 0; offset < size;) {
    const auto wanted = std::min<ByteCount>(size - offset, chunk.size());
    const ssize_t got = pread(fd, chunk.data(), wanted, static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return Failure::system(fmt::format("cannot read at offset {:#x}", offset), errno);
    if (got == 0) return Failure(ErrorCode::corrupt, fmt::format("ends early, at offset {:#x}", offset));
    EVP_DigestUpdate(context.get(), chunk.data(), static_cast<std::size_t>(got));
    offset += static_cast<ByteCount>(got);
    done(offset);
  }
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned length = 0;
  if (EVP_DigestFinal_ex(context.get(), digest, &length) != 1) {
    return Failure(ErrorCode::unsupported, "OpenSSL could not finish the SHA-256");
  }
  std::string text;
  for (unsigned i = 0; i < length; ++i) text += fmt::format("{:02x}", digest[i]);
  return text;
}

}  // namespace warmdump
