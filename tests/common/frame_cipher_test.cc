// What encrypts frames, judged by OpenSSL's ChaCha20 and BLAKE2b.

#include "common/dump_format/frame_cipher.h"

#include <gtest/gtest.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include <array>
#include <cstring>
#include <memory>
#include <numeric>
#include <vector>

namespace warmdump::dump_format {
namespace {

using Bytes = std::vector<unsigned char>;

Bytes blake2b_256(const Bytes& key, const Bytes& message) {
  const std::unique_ptr<EVP_MAC, decltype(&EVP_MAC_free)> mac(EVP_MAC_fetch(nullptr, "BLAKE2BMAC", nullptr),
                                                              EVP_MAC_free);
  const std::unique_ptr<EVP_MAC_CTX, decltype(&EVP_MAC_CTX_free)> context(EVP_MAC_CTX_new(mac.get()),
                                                                          EVP_MAC_CTX_free);
  std::size_t size = 32;
  const OSSL_PARAM parameters[] = {OSSL_PARAM_construct_size_t(OSSL_MAC_PARAM_SIZE, &size),
                                   OSSL_PARAM_construct_end()};
  Bytes result(32);
  EXPECT_EQ(EVP_MAC_init(context.get(), key.data(), key.size(), parameters), 1);
  EXPECT_EQ(EVP_MAC_update(context.get(), message.data(), message.size()), 1);
  EXPECT_EQ(EVP_MAC_final(context.get(), result.data(), &size, result.size()), 1);
  return result;
}

Bytes chacha20(const Bytes& key, std::uint64_t nonce, const Bytes& message) {
  unsigned char start[16] = {};  // block counter, nonce
  for (unsigned i = 0; i < 8; ++i) start[8 + i] = static_cast<unsigned char>(nonce >> 8 * i);
  const std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)> context(EVP_CIPHER_CTX_new(),
                                                                                EVP_CIPHER_CTX_free);
  Bytes result(message.size());
  int size = 0;
  EXPECT_EQ(EVP_EncryptInit_ex(context.get(), EVP_chacha20(), nullptr, key.data(), start), 1);
  EXPECT_EQ(EVP_EncryptUpdate(context.get(), result.data(), &size, message.data(),
                              static_cast<int>(message.size())),
            1);
  return result;
}

std::array<unsigned char, 32> make_key() {
  std::array<unsigned char, 32> key;
  std::iota(key.begin(), key.end(), static_cast<unsigned char>(3));
  return key;
}

Bytes encrypted(const FrameCipher& cipher, std::uint64_t number, Bytes message) {
  cipher.apply(number, std::as_writable_bytes(std::span(message)));
  return message;
}

constexpr std::array<unsigned char, 16> kDumpId = {9, 8, 7, 6, 5, 4, 3, 2, 1, 0, 1, 2, 3, 4, 5, 6};

TEST(FrameCipherTest, is_what_the_document_says) {
  const auto key = make_key();
  const FrameCipher cipher(key, kDumpId);
  const std::string context = "warmdump crypt 1";
  Bytes message(context.begin(), context.end());
  message.insert(message.end(), kDumpId.begin(), kDumpId.end());
  const Bytes dump_key = blake2b_256(Bytes(key.begin(), key.end()), message);
  Bytes text(100'003);
  std::iota(text.begin(), text.end(), static_cast<unsigned char>(0));
  for (const std::uint64_t number : {std::uint64_t{1}, std::uint64_t{0x1234'5678'9abc}}) {
    EXPECT_EQ(encrypted(cipher, number, text), chacha20(dump_key, number, text));
    EXPECT_EQ(encrypted(cipher, number, encrypted(cipher, number, text)), text);
  }
}

TEST(FrameCipherTest, gives_no_two_frames_and_no_two_dumps_the_same_stream) {
  const auto key = make_key();
  const FrameCipher cipher(key, kDumpId);
  const Bytes zeros(64);
  EXPECT_NE(encrypted(cipher, 1, zeros), encrypted(cipher, 2, zeros));
  for (std::size_t i = 0; i < kDumpId.size(); ++i) {
    auto other = kDumpId;
    other[i] ^= 1;
    EXPECT_NE(encrypted(FrameCipher(key, other), 1, zeros), encrypted(cipher, 1, zeros)) << i;
  }
}

TEST(FrameCipherTest, without_a_key_changes_nothing) {
  const Bytes text(64, 7);
  EXPECT_EQ(encrypted(FrameCipher(), 1, text), text);
}

}  // namespace
}  // namespace warmdump::dump_format
