// SHA-256, by OpenSSL.

#pragma once

#include <array>
#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "common/hosted/failure.h"
#include "common/units.h"

struct evp_md_ctx_st;  // of OpenSSL

namespace warmdump {

// 64 lower-case hexadecimal digits.
Outcome<std::string> sha256_text(std::string_view bytes);

// Base64 with padding.
Outcome<std::string> sha256_base64(std::string_view bytes);
// Of bytes that come piece by piece.
class Sha256 {
 public:
  static Outcome<Sha256> begin();
  void add(std::span<const std::byte> bytes);
  // Either, once: 64 lower-case hexadecimal digits, or the 32 bytes.
  Outcome<std::string> finish();
  Outcome<std::string> finish_bytes();

 private:
  using Context = std::unique_ptr<evp_md_ctx_st, void (*)(evp_md_ctx_st*)>;
  explicit Sha256(Context context) : context_(std::move(context)) {}

  Context context_;
};

// The same of exactly `size` bytes from the start of fd (its file position stays), in bounded memory. A
// shorter file is `corrupt`. `done` is called with the bytes hashed so far.
Outcome<std::string> sha256_of_file(int fd, ByteCount size, const std::function<void(ByteCount)>& done);

// HMAC-SHA-256 (RFC 2104).
Outcome<std::array<unsigned char, 32>> hmac_sha256(std::string_view key, std::string_view bytes);

// Two lower-case hexadecimal digits a byte.
std::string hexadecimal_text(std::string_view bytes);

}  // namespace warmdump
