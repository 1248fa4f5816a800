// AwsCredentials: what requests to S3 are signed with, where it comes from, and when it is asked for again.

#pragma once

#include <ctime>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "upload/transfer/send_failure.h"

namespace warmdump {

// Wiped from memory at the end. Never printed, never stored.
struct AwsCredentials {
  std::string access_key = {};
  std::string secret_key = {};
  std::string session_token = {};  // empty for lasting keys
  std::optional<std::time_t> expires = {};

  AwsCredentials() = default;
  AwsCredentials(AwsCredentials&&) = default;
  AwsCredentials& operator=(AwsCredentials&&) = delete;
  ~AwsCredentials();
  bool same_keys(const AwsCredentials& other) const;
  // `text` with the secret, the token and the access key replaced, should a server repeat them.
  std::string without_secrets(std::string text) const;
};

// Refuses what could break out of a header: all of them are printable ASCII without blanks.
Outcome<void> check_credentials(const AwsCredentials& credentials);

class AwsCredentialsSource {
 public:
  virtual ~AwsCredentialsSource() = default;
  // Reads or fetches them anew. change_sink: somebody has to mend it; wait: a service does not answer.
  virtual SendOutcome<AwsCredentials> read(std::time_t now) = 0;
};

// Keeps credentials for as long as they are good. For several threads at once.
class RenewingCredentials {
 public:
  using Held = std::shared_ptr<const AwsCredentials>;

  explicit RenewingCredentials(std::unique_ptr<AwsCredentialsSource> source) : source_(std::move(source)) {}

  // Asks the source at first, and from 5 minutes before they expire. While they have not expired, a source
  // that fails is no failure.
  SendOutcome<Held> current(std::time_t now);

  // The server has refused `refused`: asks the source. True when there are others now, which are worth an
  // attempt.
  SendOutcome<bool> renew(const Held& refused, std::time_t now);

 private:
  SendOutcome<Held> read(std::time_t now);

  std::mutex mutex_;
  std::unique_ptr<AwsCredentialsSource> source_;
  Held held_;
};

}  // namespace warmdump
