// Url: the http and https addresses a dump can be sent to, strictly parsed.
//
// Accepted is a subset of RFC 3986: scheme://host[:port][/path]. Everything that could smuggle a second
// header or leak a secret is refused: blanks and control characters, userinfo, query, fragment, dot segments,
// IPv6 zone identifiers. An accepted Url can be written into a request or a message as it is.

#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "common/hosted/failure.h"

namespace warmdump {

struct Url {
  bool is_https = false;
  bool host_is_address = false;  // an IPv4 or IPv6 literal: no name lookup, no SNI
  std::string host;              // lower case, IPv6 without its brackets
  std::uint16_t port = 0;        // never 0; the scheme's own when none was given
  std::string path;              // "" or "/..." without a trailing slash, percent-encoded

  // host[:port] as the Host header wants it; the scheme's own port is left out.
  std::string authority() const;
  // scheme://authority/path
  std::string text() const;
  // This address with one more path segment. The segment is percent-encoded, a '/' in it too.
  Url child(std::string_view segment) const;
  // This address with the segments of a relative path, given joined by '/'.
  Url below(std::string_view relative) const;
};

// Failures are `invalid`; their message never repeats a password or a query of the text.
Outcome<Url> parse_url(std::string_view text);

// For messages: everything before the last '@' and behind the first '?' or '#' is replaced by "...", and
// control characters by '?'. Works on any text, well-formed or not.
std::string redacted(std::string_view text);

}  // namespace warmdump
