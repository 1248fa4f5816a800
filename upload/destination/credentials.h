// Credentials for an HTTPS destination, from a file that only its owner can read.
//
// The file has one line: "user:password" (Basic), or "Bearer <token>". They are never taken from the command
// line, where every user of the machine can read them, and never stored or printed.

#pragma once

#include <string>
#include <string_view>

#include "common/hosted/failure.h"

namespace warmdump {

// The value of an Authorization header; wiped from memory at the end.
class Credentials {
 public:
  explicit Credentials(std::string authorization) : authorization_(std::move(authorization)) {}
  Credentials(Credentials&&) = default;
  ~Credentials();
  const std::string& authorization() const { return authorization_; }

 private:
  std::string authorization_;
};

// A path or "credential:NAME", and what is refused: see secret_file.h.
Outcome<Credentials> read_credentials_file(const std::string& path);

// Pure part: the header value for the text of the file. The failure does not repeat the text.
Outcome<Credentials> parse_credentials(std::string_view text);

}  // namespace warmdump
