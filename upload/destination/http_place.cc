#include "upload/destination/http_place.h"

namespace warmdump {

std::vector<std::pair<std::string, std::string>> HttpPlace::headers() const {
  std::vector<std::pair<std::string, std::string>> headers{{"User-Agent", "warmdump/" WARMDUMP_VERSION}};
  if (credentials) headers.emplace_back("Authorization", credentials->authorization());
  return headers;
}

Outcome<HttpPlace> open_http_place(const Url& url, const DestinationOptions& options) {
  if (!url.is_https) {
    for (const auto& [name, value] : {std::pair("--ca-file", &options.ca_file),
                                      {"--client-certificate-file", &options.client_certificate_file},
                                      {"--client-key-file", &options.client_key_file}}) {
      if (value->empty()) continue;
      return Failure(ErrorCode::invalid, std::string(name) + " has no meaning for http://; use https://");
    }
  }
  if (!url.is_https && !options.credentials_file.empty()) {
    return Failure(ErrorCode::refused,
                   "credentials are not sent over http://, anybody could read them; use https://");
  }
  HttpPlace place{url, TRY(make_transport(url.is_https, options))};
  if (!options.credentials_file.empty()) {
    place.credentials = std::make_unique<Credentials>(TRY(read_credentials_file(options.credentials_file)));
  }
  return place;
}

Outcome<std::unique_ptr<HttpTransport>> make_transport(bool with_tls, const DestinationOptions& options) {
  HttpTransportOptions wire;
  wire.with_tls = with_tls;
  wire.ca_file = options.ca_file;
  wire.client_certificate_file = options.client_certificate_file;
  wire.client_key_file = options.client_key_file;
  wire.proxy = options.proxy;
  wire.proxy_credentials_file = options.proxy_credentials_file;
  wire.no_proxy = options.no_proxy;
  wire.bandwidth = make_bandwidth_limit(options.bandwidth_bytes_per_second);
  return make_http_transport(wire);
}

bool is_loopback(const Url& url) {
  if (!url.host_is_address) return url.host == "localhost";
  return url.host.starts_with("127.") || url.host == "::1";
}

}  // namespace warmdump
