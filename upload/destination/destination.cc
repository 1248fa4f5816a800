#include "upload/destination/destination.h"

#include <fmt/format.h>

#include <algorithm>
#include <span>
#include <string_view>

#include "upload/destination/broker_destination.h"
#include "upload/destination/directory_destination.h"
#include "upload/destination/put_destination.h"
#include "upload/destination/s3/s3_destination.h"
#include "upload/destination/tus_destination.h"
#include "upload/wire/url.h"

namespace warmdump {
namespace {

using MakeDestination = Outcome<std::unique_ptr<Destination>> (*)(const std::string& address,
                                                                  const DestinationOptions& options);

struct Option {
  std::string_view name;  // as the command line has it, without its "--"
  bool (*is_set)(const DestinationOptions& options);
};

constexpr Option kOptions[] = {
    {"ca-file", [](const DestinationOptions& o) { return !o.ca_file.empty(); }},
    {"client-certificate-file",
     [](const DestinationOptions& o) { return !o.client_certificate_file.empty(); }},
    {"client-key-file", [](const DestinationOptions& o) { return !o.client_key_file.empty(); }},
    {"credentials-file", [](const DestinationOptions& o) { return !o.credentials_file.empty(); }},
    {"proxy", [](const DestinationOptions& o) { return !o.proxy.empty(); }},
    {"proxy-credentials-file", [](const DestinationOptions& o) { return !o.proxy_credentials_file.empty(); }},
    {"no-proxy", [](const DestinationOptions& o) { return !o.no_proxy.empty(); }},
    {"bandwidth", [](const DestinationOptions& o) { return o.bandwidth_bytes_per_second != 0; }},
    {"part-bytes", [](const DestinationOptions& o) { return o.part_bytes != 0; }},
    {"broker-command", [](const DestinationOptions& o) { return !o.broker_command.empty(); }},
    {"broker-url", [](const DestinationOptions& o) { return !o.broker_url.empty(); }},
    {"endpoint", [](const DestinationOptions& o) { return !o.endpoint.empty(); }},
    {"region", [](const DestinationOptions& o) { return !o.region.empty(); }},
    {"addressing", [](const DestinationOptions& o) { return !o.addressing.empty(); }},
    {"checksum", [](const DestinationOptions& o) { return !o.checksum.empty(); }},
    {"parallel-pieces", [](const DestinationOptions& o) { return o.parallel_pieces != 0; }},
    {"profile", [](const DestinationOptions& o) { return !o.profile.empty(); }},
    {"credentials-from", [](const DestinationOptions& o) { return !o.credentials_from.empty(); }},
    {"role-arn", [](const DestinationOptions& o) { return !o.role_arn.empty(); }},
    {"web-identity-token-file",
     [](const DestinationOptions& o) { return !o.web_identity_token_file.empty(); }},
    {"sts-endpoint", [](const DestinationOptions& o) { return !o.sts_endpoint.empty(); }},
    {"server-side-encryption", [](const DestinationOptions& o) { return !o.server_side_encryption.empty(); }},
    {"kms-key-id", [](const DestinationOptions& o) { return !o.kms_key_id.empty(); }},
};

// What open_http_place uses. TLS options without TLS, and credentials, it refuses itself and says why.
constexpr std::string_view kHttp[] = {
    "ca-file", "client-certificate-file", "client-key-file", "credentials-file",
    "proxy",   "proxy-credentials-file",  "no-proxy",        "bandwidth"};
constexpr std::string_view kTus[] = {"part-bytes"};
constexpr std::string_view kBroker[] = {"broker-command", "broker-url"};
constexpr std::string_view kS3[] = {"part-bytes",   "endpoint",
                                    "region",       "addressing",
                                    "checksum",     "parallel-pieces",
                                    "profile",      "credentials-from",
                                    "role-arn",     "web-identity-token-file",
                                    "sts-endpoint", "server-side-encryption",
                                    "kms-key-id"};

struct Scheme {
  std::string_view prefix;
  std::string_view form;  // for messages
  MakeDestination make;
  bool is_http;                             // takes all of kHttp
  std::span<const std::string_view> takes;  // besides; names in kOptions

  bool does_take(std::string_view option) const {
    return std::find(takes.begin(), takes.end(), option) != takes.end() ||
           (is_http && std::find(std::begin(kHttp), std::end(kHttp), option) != std::end(kHttp));
  }
};

// To add one: <name>_destination.{h,cc} implementing Destination, with its make function; a row here, with
// the options that it uses; its wire code over http_place.h or behind a seam like http_transport.h; a test
// against a real server in tests/upload; a paragraph in docs/UPLOAD.md and docs/man/warmdump-upload.8.
constexpr Scheme kSchemes[] = {
    {"dir:", "dir:PATH", make_directory_destination, false, {}},
    {"https://", "https://HOST/PATH", make_put_destination, true, {}},
    {"http://", "http://HOST/PATH", make_put_destination, true, {}},
    {"tus+https://", "tus+https://HOST/PATH", make_tus_destination, true, kTus},
    {"tus+http://", "tus+http://HOST/PATH", make_tus_destination, true, kTus},
    {"broker:", "broker:[NAME]", make_broker_destination, true, kBroker},
    {"s3://", "s3://BUCKET[/PREFIX]", make_s3_destination, true, kS3},
};

Outcome<void> check_options(const Scheme& scheme, const DestinationOptions& options) {
  for (const auto& option : kOptions) {
    if (!option.is_set(options) || scheme.does_take(option.name)) continue;
    return Failure(ErrorCode::invalid, fmt::format("--{} has no meaning for {}", option.name, scheme.prefix));
  }
  return {};
}

std::string all_forms() {
  std::string text;
  for (const auto& scheme : kSchemes) {
    text += text.empty() ? "" : &scheme == std::end(kSchemes) - 1 ? " or " : ", ";
    text += scheme.form;
  }
  return text;
}

}  // namespace

Outcome<std::unique_ptr<Destination>> make_destination(const std::string& address,
                                                       const DestinationOptions& options) {
  for (const auto& scheme : kSchemes) {
    if (!address.starts_with(scheme.prefix)) continue;
    TRY(check_options(scheme, options));
    return scheme.make(address, options);
  }
  return Failure(ErrorCode::invalid,
                 fmt::format("unknown destination \"{}\"; use {}", redacted(address), all_forms()));
}

}  // namespace warmdump
