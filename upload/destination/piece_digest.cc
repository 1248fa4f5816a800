#include "upload/destination/piece_digest.h"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <memory>
#include <vector>

#include "upload/destination/base64.h"

namespace warmdump {
namespace {

constexpr ByteCount kChunkBytes = 128 * kKiB;

}  // namespace

SendOutcome<std::string> piece_digest_base64(const ByteSource& bytes, ByteCount offset, ByteCount size,
                                             const std::string& algorithm) {
  const std::unique_ptr<EVP_MD, void (*)(EVP_MD*)> digest(EVP_MD_fetch(nullptr, algorithm.c_str(), nullptr),
                                                          EVP_MD_free);
  const std::unique_ptr<EVP_MD_CTX, void (*)(EVP_MD_CTX*)> context(EVP_MD_CTX_new(), EVP_MD_CTX_free);
  if (!digest || !context || EVP_DigestInit_ex2(context.get(), digest.get(), nullptr) != 1) {
    return SendFailure(Failure(ErrorCode::unsupported, "OpenSSL has no " + algorithm));
  }
  std::vector<std::byte> chunk(std::min(std::max<ByteCount>(size, 1), kChunkBytes));
  for (ByteCount done = 0; done < size;) {
    const auto wanted = std::span(chunk).first(std::min<ByteCount>(size - done, chunk.size()));
    const std::size_t got = TRY(bytes.read(offset + done, wanted));
    if (got == 0) {
      return SendFailure(
          Failure(ErrorCode::corrupt, fmt::format("ends early, at offset {:#x}", offset + done)));
    }
    EVP_DigestUpdate(context.get(), chunk.data(), got);
    done += got;
  }
  std::array<unsigned char, EVP_MAX_MD_SIZE> value{};
  unsigned length = 0;
  EVP_DigestFinal_ex(context.get(), value.data(), &length);
  return base64_text({reinterpret_cast<const char*>(value.data()), length});
}

}  // namespace warmdump
