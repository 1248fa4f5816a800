#include "upload/destination/s3/aws_credentials.h"

#include "common/hosted/ascii.h"
#include "common/hosted/secret.h"

namespace warmdump {
namespace {

constexpr std::time_t kRenewBefore = 5 * 60;
constexpr std::size_t kSecretMin = 4;  // shorter ones are words of any message
constexpr std::size_t kLongest = 16 * 1024;

bool is_plausible(const std::string& text) {
  return text.size() <= kLongest && is_visible(text);
}

}  // namespace

AwsCredentials::~AwsCredentials() {
  wipe_text(access_key);
  wipe_text(secret_key);
  wipe_text(session_token);
}

bool AwsCredentials::same_keys(const AwsCredentials& other) const {
  return access_key == other.access_key && secret_key == other.secret_key &&
         session_token == other.session_token;
}

std::string AwsCredentials::without_secrets(std::string text) const {
  for (const std::string* secret : {&secret_key, &session_token, &access_key}) {
    if (secret->size() < kSecretMin) continue;
    for (auto at = text.find(*secret); at != std::string::npos; at = text.find(*secret)) {
      text.replace(at, secret->size(), "...");
    }
  }
  return text;
}

Outcome<void> check_credentials(const AwsCredentials& credentials) {
  if (credentials.access_key.empty() || credentials.secret_key.empty()) {
    return Failure(ErrorCode::invalid, "the access key or its secret is missing");
  }
  if (!is_plausible(credentials.access_key) || !is_plausible(credentials.secret_key) ||
      !is_plausible(credentials.session_token)) {
    return Failure(ErrorCode::invalid, "keys and tokens have no blanks or control characters");
  }
  if (credentials.access_key.find_first_of("/,=") != std::string::npos) {
    return Failure(ErrorCode::invalid, "an access key has no '/', ',' or '='");
  }
  return {};
}

SendOutcome<RenewingCredentials::Held> RenewingCredentials::read(std::time_t now) {
  auto fresh = TRY(source_->read(now));
  if (auto checked = check_credentials(fresh); !checked.has_value()) {
    return SendFailure(std::move(checked.error()), Remedy::change_sink);
  }
  held_ = std::make_shared<const AwsCredentials>(std::move(fresh));
  return Held(held_);
}

SendOutcome<RenewingCredentials::Held> RenewingCredentials::current(std::time_t now) {
  const std::lock_guard guard(mutex_);
  if (held_ && (!held_->expires || now + kRenewBefore < *held_->expires)) return Held(held_);
  auto fresh = read(now);
  if (!fresh.has_value() && held_ && now < *held_->expires) return Held(held_);
  return fresh;
}

SendOutcome<bool> RenewingCredentials::renew(const Held& refused, std::time_t now) {
  const std::lock_guard guard(mutex_);
  if (held_ && !held_->same_keys(*refused)) return true;
  const Held fresh = TRY(read(now));
  return !fresh->same_keys(*refused);
}

}  // namespace warmdump
