#include "common/dump_format/frame_cipher.h"

#include <sodium/crypto_generichash_blake2b.h>
#include <sodium/crypto_stream_chacha20.h>

#include <cstring>

namespace warmdump::dump_format {
namespace {

constexpr unsigned char kContext[16] = {'w', 'a', 'r', 'm', 'd', 'u', 'm', 'p',
                                        ' ', 'c', 'r', 'y', 'p', 't', ' ', '1'};

}  // namespace

FrameCipher::FrameCipher(std::span<const unsigned char, kEncryptionKeySize> key,
                         std::span<const unsigned char, 16> dump_id)
    : is_set_(true) {
  unsigned char message[sizeof(kContext) + 16];
  std::memcpy(message, kContext, sizeof(kContext));
  std::memcpy(message + sizeof(kContext), dump_id.data(), dump_id.size());
  crypto_generichash_blake2b(key_, sizeof(key_), message, sizeof(message), key.data(), key.size());
}

void FrameCipher::apply(std::uint64_t cipher_number, std::span<std::byte> payload) const {
  if (!is_set_) return;
  const le64 nonce(cipher_number);
  static_assert(sizeof(nonce) == crypto_stream_chacha20_NONCEBYTES);
  auto* const bytes = reinterpret_cast<unsigned char*>(payload.data());
  crypto_stream_chacha20_xor(bytes, bytes, payload.size(), reinterpret_cast<const unsigned char*>(&nonce),
                             key_);
}

void describe_encryption(const DumpEncryption& encryption, RegionHeader& header) {
  if (!encryption.is_set) return;
  header.incompatible_flags = header.incompatible_flags | kIncompatibleEncrypted;
  header.cipher = static_cast<std::uint32_t>(Cipher::chacha20);
  std::memcpy(header.key_id, encryption.key_id, sizeof(header.key_id));
  std::memcpy(header.wrapped_key, encryption.wrapped_key, sizeof(header.wrapped_key));
}

KeyBlob make_key_blob(const RegionHeader& header) {
  KeyBlob blob{};
  blob.cipher = header.cipher;
  std::memcpy(blob.key_id, header.key_id, sizeof(blob.key_id));
  std::memcpy(blob.dump_id, header.dump_id, sizeof(blob.dump_id));
  std::memcpy(blob.boot_id, header.boot_id, sizeof(blob.boot_id));
  std::memcpy(blob.wrapped_key, header.wrapped_key, sizeof(blob.wrapped_key));
  return blob;
}

}  // namespace warmdump::dump_format
