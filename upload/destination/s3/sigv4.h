// AWS Signature Version 4, in headers: pure functions of a request, keys and a time.
//
// Source: "Authenticating Requests: Using the Authorization Header" and "Create a signed AWS API request" in
// AWS's documentation. As S3 wants it: the path is percent-encoded once, and dot segments stay what they are.
//
//   request -> canonical request -> string to sign -> signature, by a key made of secret, day, region and
//   service

#pragma once

#include <ctime>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/hosted/failure.h"

namespace warmdump {

using NamesAndValues = std::vector<std::pair<std::string, std::string>>;

struct SigningKeys {
  std::string_view access_key;
  std::string_view secret_key;
};

struct SigningScope {
  std::string_view region;
  std::string_view service;
  std::time_t time = 0;  // as the server sees it
};

struct RequestToSign {
  std::string_view method;
  std::string_view path;     // as it goes out: encoded by encoded_path(); "" is "/"
  NamesAndValues query;      // not encoded; any order
  NamesAndValues headers;    // all that are to be signed, with host; names in any case
  std::string_view payload;  // 64 hexadecimal digits, or a word such as UNSIGNED-PAYLOAD
};

struct Signature {
  std::string canonical_request;
  std::string string_to_sign;
  std::string authorization;  // value of the Authorization header
};

// Fails only when OpenSSL does.
Outcome<Signature> sign(const RequestToSign& request, const SigningKeys& keys, const SigningScope& scope);

// "20130524T000000Z", the value of x-amz-date.
std::string amz_date(std::time_t time);

// Everything but A-Z a-z 0-9 - . _ ~ becomes %XX.
std::string uri_encoded(std::string_view text);
// The same, with '/' kept.
std::string encoded_path(std::string_view path);
// name=value, joined by '&' and in the order of the encoded names, then values. Ready for the request line.
std::string encoded_query(const NamesAndValues& query);

}  // namespace warmdump
