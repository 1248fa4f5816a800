// What destinations over HTTP have in common: where they are, the way there, and who we are.

#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "upload/destination/credentials.h"
#include "upload/destination/destination.h"
#include "upload/wire/http_transport.h"

namespace warmdump {

struct HttpPlace {
  Url url;
  std::unique_ptr<HttpTransport> transport;
  std::unique_ptr<Credentials> credentials = {};  // null for none

  // For every request there: User-Agent, and Authorization if there are credentials.
  std::vector<std::pair<std::string, std::string>> headers() const;
};

// The place at `url`, by these options. Failures: `refused` for credentials over plain http, `invalid` for
// TLS options there, those of the files.
Outcome<HttpPlace> open_http_place(const Url& url, const DestinationOptions& options);

// The way to servers, by these options: to http ones alone without TLS, to all with it.
Outcome<std::unique_ptr<HttpTransport>> make_transport(bool with_tls, const DestinationOptions& options);

// Without a network: "localhost", 127.0.0.0/8 and ::1.
bool is_loopback(const Url& url);

}  // namespace warmdump
