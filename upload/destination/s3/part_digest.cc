#include "upload/destination/s3/part_digest.h"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <memory>
#include <vector>

#include "common/crc32c.h"
#include "common/hosted/sha256.h"
#include "upload/destination/base64.h"

namespace warmdump {
namespace {

constexpr ByteCount kChunkBytes = 128 * kKiB;

struct ChecksumRow {
  S3Checksum checksum;
  std::string_view header;
  std::string_view xml;
};
constexpr ChecksumRow kChecksums[] = {
    {S3Checksum::crc32c, "crc32c", "CRC32C"},
    {S3Checksum::sha256, "sha256", "SHA256"},
};

const ChecksumRow& row_of(S3Checksum checksum) {
  return *std::find_if(std::begin(kChecksums), std::end(kChecksums),
                       [checksum](const ChecksumRow& row) { return row.checksum == checksum; });
}

struct FreeDigest {
  void operator()(EVP_MD* digest) const { EVP_MD_free(digest); }
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};

// MD5, unless OpenSSL has none.
class Md5 {
 public:
  Md5() : digest_(EVP_MD_fetch(nullptr, "MD5", nullptr)), context_(EVP_MD_CTX_new()) {
    is_there_ = digest_ && context_ && EVP_DigestInit_ex(context_.get(), digest_.get(), nullptr) == 1;
  }
  void add(std::span<const std::byte> bytes) {
    if (is_there_) is_there_ = EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()) == 1;
  }
  std::string finish() {
    std::array<unsigned char, 16> hash{};
    unsigned length = 0;
    if (!is_there_ || EVP_DigestFinal_ex(context_.get(), hash.data(), &length) != 1) return "";
    return hexadecimal_text({reinterpret_cast<const char*>(hash.data()), length});
  }

 private:
  std::unique_ptr<EVP_MD, FreeDigest> digest_;
  std::unique_ptr<EVP_MD_CTX, FreeDigest> context_;
  bool is_there_ = false;
};

std::string bytes_of(std::string_view hexadecimal) {
  const auto value = [](char digit) { return digit <= '9' ? digit - '0' : digit - 'a' + 10; };
  std::string bytes;
  for (std::size_t i = 0; i + 1 < hexadecimal.size(); i += 2) {
    bytes += static_cast<char>(value(hexadecimal[i]) * 16 + value(hexadecimal[i + 1]));
  }
  return bytes;
}

std::string big_endian(std::uint32_t value) {
  std::string bytes;
  for (const unsigned shift : {24u, 16u, 8u, 0u}) bytes += static_cast<char>(value >> shift);
  return bytes;
}

}  // namespace

std::string header_name(S3Checksum checksum) {
  return std::string(row_of(checksum).header);
}

std::string xml_name(S3Checksum checksum) {
  return std::string(row_of(checksum).xml);
}

std::optional<S3Checksum> parse_checksum(std::string_view word) {
  if (word.empty() || word == "none") return S3Checksum::none;
  for (const ChecksumRow& row : kChecksums) {
    if (word == row.header) return row.checksum;
  }
  return {};
}

std::string content_md5(std::string_view md5) {
  return base64_text(bytes_of(md5));
}

Outcome<PartDigest> digest_of(const ByteSource& source, ByteCount offset, ByteCount size,
                              S3Checksum checksum) {
  Sha256 sha256 = TRY(Sha256::begin());
  Md5 md5;
  std::uint32_t crc = 0;
  std::vector<std::byte> chunk(std::min(std::max<ByteCount>(size, 1), kChunkBytes));
  for (ByteCount done = 0; done < size;) {
    const auto wanted = std::span(chunk).first(std::min<ByteCount>(size - done, chunk.size()));
    const std::size_t got = TRY(source.read(offset + done, wanted));
    if (got == 0)
      return Failure(ErrorCode::corrupt, fmt::format("ends early, at offset {:#x}", offset + done));
    const auto bytes = std::span<const std::byte>(wanted).first(got);
    sha256.add(bytes);
    md5.add(bytes);
    if (checksum == S3Checksum::crc32c) crc = crc32c(bytes, crc);
    done += got;
  }
  PartDigest digest;
  digest.sha256 = TRY(sha256.finish());
  digest.md5 = md5.finish();
  if (checksum == S3Checksum::crc32c) digest.checksum = base64_text(big_endian(crc));
  if (checksum == S3Checksum::sha256) digest.checksum = base64_text(bytes_of(digest.sha256));
  return digest;
}

}  // namespace warmdump
