#include "common/hosted/sha256.h"

#include <fmt/format.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <vector>

namespace warmdump {
namespace {

constexpr ByteCount kChunkBytes = 256 * kKiB;

}  // namespace

std::string hexadecimal_text(std::string_view bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  text.reserve(2 * bytes.size());
  for (const char character : bytes) {
    const auto byte = static_cast<unsigned char>(character);
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return text;
}

Outcome<Sha256> Sha256::begin() {
  Context context(EVP_MD_CTX_new(), EVP_MD_CTX_free);
  if (!context || EVP_DigestInit_ex(context.get(), EVP_sha256(), nullptr) != 1) {
    return Failure(ErrorCode::unsupported, "OpenSSL offers no SHA-256");
  }
  return Sha256(std::move(context));
}

void Sha256::add(std::span<const std::byte> bytes) {
  EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size());
}

Outcome<std::string> Sha256::finish() {
  return hexadecimal_text(TRY(finish_bytes()));
}

Outcome<std::string> Sha256::finish_bytes() {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned length = 0;
  if (EVP_DigestFinal_ex(context_.get(), digest, &length) != 1) {
    return Failure(ErrorCode::unsupported, "OpenSSL could not finish the SHA-256");
  }
  return std::string(reinterpret_cast<const char*>(digest), length);
}

Outcome<std::string> sha256_text(std::string_view bytes) {
  Sha256 hash = TRY(Sha256::begin());
  hash.add(std::as_bytes(std::span(bytes)));
  return hash.finish();
}

Outcome<std::string> sha256_base64(std::string_view bytes) {
  Sha256 hash = TRY(Sha256::begin());
  hash.add(std::as_bytes(std::span(bytes)));
  const std::string digest = TRY(hash.finish_bytes());
  unsigned char text[2 * EVP_MAX_MD_SIZE];
  const int size = EVP_EncodeBlock(text, reinterpret_cast<const unsigned char*>(digest.data()),
                                   static_cast<int>(digest.size()));
  return std::string(reinterpret_cast<const char*>(text), static_cast<std::size_t>(size));
}

Outcome<std::array<unsigned char, 32>> hmac_sha256(std::string_view key, std::string_view bytes) {
  std::array<unsigned char, 32> code{};
  unsigned length = 0;
  if (HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
           reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(), code.data(),
           &length) == nullptr ||
      length != code.size()) {
    return Failure(ErrorCode::unsupported, "OpenSSL offers no HMAC with SHA-256");
  }
  return code;
}

Outcome<std::string> sha256_of_file(int fd, ByteCount size, const std::function<void(ByteCount)>& done) {
  Sha256 hash = TRY(Sha256::begin());
  std::vector<std::byte> chunk(std::min(std::max<ByteCount>(size, 1), kChunkBytes));
  for (ByteCount offset = 0; offset < size;) {
    const auto wanted = std::min<ByteCount>(size - offset, chunk.size());
    const ssize_t got = pread(fd, chunk.data(), wanted, static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return Failure::system(fmt::format("cannot read at offset {:#x}", offset), errno);
    if (got == 0) return Failure(ErrorCode::corrupt, fmt::format("ends early, at offset {:#x}", offset));
    hash.add(std::span(chunk).first(static_cast<std::size_t>(got)));
    offset += static_cast<ByteCount>(got);
    done(offset);
  }
  return hash.finish();
}

}  // namespace warmdump
