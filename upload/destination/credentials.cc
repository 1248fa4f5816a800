#include "upload/destination/credentials.h"

#include <openssl/crypto.h>

#include <algorithm>

#include "upload/destination/base64.h"
#include "upload/wire/secret_file.h"

namespace warmdump {
namespace {

constexpr std::string_view kBearer = "Bearer ";

}  // namespace

Credentials::~Credentials() {
  OPENSSL_cleanse(authorization_.data(), authorization_.size());
}

Outcome<Credentials> parse_credentials(std::string_view text) {
  while (text.ends_with('\n') || text.ends_with('\r')) text.remove_suffix(1);
  if (std::any_of(text.begin(), text.end(), [](char c) { return (c >= 0 && c < ' ') || c == 0x7f; })) {
    return Failure(ErrorCode::invalid, "must be a single line without control characters");
  }
  if (text.starts_with(kBearer) && text.find(' ', kBearer.size()) == std::string_view::npos &&
      text.size() > kBearer.size()) {
    return Credentials(std::string(text));
  }
  const auto colon = text.find(':');
  if (colon == std::string_view::npos || colon == 0) {
    return Failure(ErrorCode::invalid, "must hold one line \"user:password\" or \"Bearer <token>\"");
  }
  return Credentials("Basic " + base64_text(text));
}

Outcome<Credentials> read_credentials_file(const std::string& path) {
  const auto text = TRY(read_secret_file(path, "credentials file"));
  return in_context("credentials file " + path, parse_credentials(text->text()));
}

}  // namespace warmdump
