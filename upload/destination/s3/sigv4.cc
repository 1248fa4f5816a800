#include "upload/destination/s3/sigv4.h"

#include <fmt/format.h>
#include <openssl/crypto.h>

#include <algorithm>
#include <array>

#include "common/hosted/ascii.h"
#include "common/hosted/secret.h"
#include "common/hosted/sha256.h"

namespace warmdump {
namespace {

constexpr std::string_view kAlgorithm = "AWS4-HMAC-SHA256";
constexpr std::string_view kTerminator = "aws4_request";

std::string encoded(std::string_view text, std::string_view kept) {
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    const bool is_unreserved =
        is_alphanumeric(c) || std::string_view("-._~").find(c) != std::string_view::npos;
    if (is_unreserved || kept.find(c) != std::string_view::npos) {
      out += c;
    } else {
      out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return out;
}

// Without blanks at the ends, and with one for each run of them inside.
std::string folded(std::string_view value) {
  std::string out;
  bool is_gap = false;
  for (const char c : value) {
    if (c == ' ' || c == '\t' || c == '\n' || c == '\r') {
      is_gap = true;
      continue;
    }
    if (is_gap && !out.empty()) out += ' ';
    is_gap = false;
    out += c;
  }
  return out;
}

// Sorted by name; values of a name that comes twice are joined by ',' in the order they were given.
NamesAndValues canonical_headers(const NamesAndValues& headers) {
  NamesAndValues sorted;
  for (const auto& [name, value] : headers) sorted.emplace_back(lower_case(name), folded(value));
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  NamesAndValues merged;
  for (auto& header : sorted) {
    if (!merged.empty() && merged.back().first == header.first) {
      merged.back().second += "," + header.second;
    } else {
      merged.push_back(std::move(header));
    }
  }
  return merged;
}

using Mac = std::array<unsigned char, 32>;

std::string_view view(const Mac& mac) {
  return {reinterpret_cast<const char*>(mac.data()), mac.size()};
}

Outcome<Mac> signing_key(std::string_view secret, std::string_view day, const SigningScope& scope) {
  const WipedText start("AWS4" + std::string(secret));
  Mac key = TRY(hmac_sha256(start.text(), day));
  for (const std::string_view step : {scope.region, scope.service, kTerminator}) {
    const Mac next = TRY(hmac_sha256(view(key), step));
    key = next;
  }
  return key;
}

}  // namespace

std::string uri_encoded(std::string_view text) {
  return encoded(text, "");
}

std::string encoded_path(std::string_view path) {
  return encoded(path, "/");
}

std::string encoded_query(const NamesAndValues& query) {
  NamesAndValues pairs;
  for (const auto& [name, value] : query) pairs.emplace_back(uri_encoded(name), uri_encoded(value));
  std::sort(pairs.begin(), pairs.end());
  std::string text;
  for (const auto& [name, value] : pairs) text += (text.empty() ? "" : "&") + name + "=" + value;
  return text;
}

std::string amz_date(std::time_t time) {
  std::tm utc{};
  gmtime_r(&time, &utc);
  return fmt::format("{:04}{:02}{:02}T{:02}{:02}{:02}Z", utc.tm_year + 1900, utc.tm_mon + 1, utc.tm_mday,
                     utc.tm_hour, utc.tm_min, utc.tm_sec);
}

Outcome<Signature> sign(const RequestToSign& request, const SigningKeys& keys, const SigningScope& scope) {
  const std::string date = amz_date(scope.time);
  const std::string day = date.substr(0, 8);
  std::string header_lines;
  std::string header_names;
  for (const auto& [name, value] : canonical_headers(request.headers)) {
    header_lines += name + ":" + value + "\n";
    header_names += (header_names.empty() ? "" : ";") + name;
  }
  Signature signature;
  signature.canonical_request =
      fmt::format("{}\n{}\n{}\n{}\n{}\n{}", request.method, request.path.empty() ? "/" : request.path,
                  encoded_query(request.query), header_lines, header_names, request.payload);
  const std::string place = fmt::format("{}/{}/{}/{}", day, scope.region, scope.service, kTerminator);
  signature.string_to_sign =
      fmt::format("{}\n{}\n{}\n{}", kAlgorithm, date, place, TRY(sha256_text(signature.canonical_request)));
  Mac key = TRY(signing_key(keys.secret_key, day, scope));
  const auto mac = hmac_sha256(view(key), signature.string_to_sign);
  OPENSSL_cleanse(key.data(), key.size());
  if (!mac.has_value()) return Failure(mac.error());
  signature.authorization = fmt::format("{} Credential={}/{}, SignedHeaders={}, Signature={}", kAlgorithm,
                                        keys.access_key, place, header_names, hexadecimal_text(view(*mac)));
  return signature;
}

}  // namespace warmdump
