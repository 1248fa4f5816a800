#include "common/hosted/secret.h"

#include <sys/random.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "common/hosted/sha256.h"

namespace warmdump {
namespace {

int digit_value(char digit) {
  if (digit >= '0' && digit <= '9') return digit - '0';
  if (digit >= 'a' && digit <= 'f') return digit - 'a' + 10;
  if (digit >= 'A' && digit <= 'F') return digit - 'A' + 10;
  return -1;
}

}  // namespace

void wipe_text(std::string& text) {
  ::explicit_bzero(text.data(), text.size());
  text.clear();
}

Secret::~Secret() {
  ::explicit_bzero(bytes_.data(), bytes_.size());
}

Outcome<Secret> Secret::fresh() {
  Secret secret;
  for (std::size_t filled = 0; filled < kSize;) {
    const ssize_t count = ::getrandom(secret.bytes_.data() + filled, kSize - filled, 0);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return Failure::system("cannot get random bytes", errno);
    filled += static_cast<std::size_t>(count);
  }
  return secret;
}

Outcome<Secret> Secret::parse(std::string_view digits) {
  const Failure failure(ErrorCode::invalid, "must be 64 hexadecimal digits");
  if (digits.size() != 2 * kSize) return failure;
  Secret secret;
  for (std::size_t i = 0; i < kSize; ++i) {
    const int high = digit_value(digits[2 * i]);
    const int low = digit_value(digits[2 * i + 1]);
    if (high < 0 || low < 0) return failure;
    secret.bytes_[i] = static_cast<unsigned char>(high << 4 | low);
  }
  return secret;
}

Secret Secret::of(std::span<const unsigned char, kSize> bytes) {
  Secret secret;
  std::copy(bytes.begin(), bytes.end(), secret.bytes_.begin());
  return secret;
}

bool Secret::is_set() const {
  return std::any_of(bytes_.begin(), bytes_.end(), [](unsigned char byte) { return byte != 0; });
}

std::string Secret::hexadecimal() const {
  return hexadecimal_text({reinterpret_cast<const char*>(bytes_.data()), kSize});
}

}  // namespace warmdump
