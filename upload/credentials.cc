#include "upload/credentials.h"

#include <fcntl.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>

#include "common/hosted/unique_fd.h"

namespace warmdump {
namespace {

constexpr std::size_t kSizeMax = 8192;
constexpr std::string_view kBearer = "Bearer ";

std::string base64(std::string_view text) {
  std::string encoded(4 * ((text.size() + 2) / 3) + 1, '\0');
  const int length =
      EVP_EncodeBlock(reinterpret_cast<unsigned char*>(encoded.data()),
                      reinterpret_cast<const unsigned char*>(text.data()), static_cast<int>(text.size()));
  encoded.resize(static_cast<std::size_t>(length));
  return encoded;
}

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
  return Credentials("Basic " + base64(text));
}

Outcome<Credentials> read_credentials_file(const std::string& path) {
  const UniqueFd fd(open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (!fd.valid()) return Failure::system("cannot open credentials file " + path, errno);
  struct stat status {};
  if (fstat(fd.get(), &status) != 0) return Failure::system("cannot look at " + path, errno);
  if (!S_ISREG(status.st_mode)) return Failure(ErrorCode::invalid, path + " is not a plain file");
  if ((status.st_mode & 077) != 0) {
    return Failure(ErrorCode::refused, "others can read credentials file " + path + "; chmod 0600 it");
  }
  if (status.st_uid != geteuid() && status.st_uid != 0) {
    return Failure(ErrorCode::refused, "credentials file " + path + " belongs to somebody else; chown it");
  }
  std::string text(kSizeMax, '\0');
  const ssize_t got = pread(fd.get(), text.data(), text.size(), 0);
  if (got < 0) return Failure::system("cannot read " + path, errno);
  auto credentials =
      in_context("credentials file " + path, parse_credentials({text.data(), static_cast<std::size_t>(got)}));
  OPENSSL_cleanse(text.data(), text.size());
  return credentials;
}

}  // namespace warmdump
