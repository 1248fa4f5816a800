// HttpTransport: one request over HTTP/1.1, and its answer. The seam between what to send and the wire.
//
// The wire side is upload/wire/asio/, the only folder that knows Asio.
//
// Every request ends: each phase has a deadline, and the body one by its size, since each span of
// `stall_window` must take `stall_bytes`. Redirects are not followed, no content coding is asked for or
// decoded, nothing is retried but what costs nothing: a request on a kept connection that the server had
// closed already, and a refused "Expect: 100-continue".

#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "upload/source/byte_source.h"
#include "upload/transfer/send_failure.h"
#include "upload/wire/bandwidth_limit.h"
#include "upload/wire/name_lookup.h"
#include "upload/wire/url.h"

namespace warmdump {

// Bounds of everything the other side controls.
struct HttpLimits {
  std::chrono::milliseconds lookup{10'000};   // for the addresses of the host
  std::chrono::milliseconds connect{10'000};  // for each address of the host
  std::chrono::milliseconds stagger{250};     // after that the next address is tried beside the ones before
  std::chrono::milliseconds tls{10'000};      // whole handshake
  std::chrono::milliseconds continue_wait{1'000};  // for "100 Continue" before the body is sent anyway
  std::chrono::milliseconds answer{60'000};        // from the last byte of the body to the end of the answer
  std::chrono::milliseconds early_answer{2'000};   // for the answer when the server stopped taking the body
  std::chrono::milliseconds stall_window{
      60'000};                                // in each such span, less what our own cap made us wait, ...
  ByteCount stall_bytes = 60 * kKiB;          // ... at least so much must be taken by the network
  ByteCount expect_continue_from = 1 * kMiB;  // smaller bodies are sent without asking
  ByteCount chunk_bytes = 128 * kKiB;         // the only buffer for the body
  std::uint32_t answer_header_bytes = 16 * 1024;
  ByteCount answer_body_bytes = 1 * kMiB;  // the rest of a larger one is not read
  unsigned interim_answers = 20;           // 1xx before the final one
  unsigned idle_connections = 4;           // kept open between requests
  std::chrono::milliseconds idle{10'000};  // how long; servers close after 5 s (node) to 75 s (nginx)
};

// What a transport is made of. Empty members are the default.
struct HttpTransportOptions {
  bool with_tls = true;                      // false: http:// alone, and no root certificates are needed
  std::string ca_file = {};                  // PEM roots that replace the system's
  std::string client_certificate_file = {};  // PEM chain that proves who we are; with ...
  std::string client_key_file = {};  // ... its key, which only we can read; both are read again on change
  // "http://host:port" or "https://host:port"; "environment" for https_proxy, http_proxy and no_proxy; empty
  // for none.
  std::string proxy = {};
  std::string proxy_credentials_file = {};  // one line "user:password", which only we can read
  // Hosts that are reached without it, by commas: a name with all below it, an address, a network
  // "10.0.0.0/8", or "*".
  std::string no_proxy = {};
  std::shared_ptr<BandwidthLimit> bandwidth = {};  // shared by all that hold it; null for no cap
  // 169.254.0.0/16, fe80::/10 and fd00:ec2::254 answer with the secrets of a cloud's machine, and are no
  // place for a dump.
  bool allow_link_local = false;
  NameResolver resolver = {};  // the system's when empty
  HttpLimits limits = {};
};

struct HttpRequest {
  std::string method = "PUT";
  Url url;
  std::string query = {};  // without '?', encoded; "" for none
  std::vector<std::pair<std::string, std::string>> headers =
      {};  // printable ASCII; those of the connection (Host, Content-Length, Expect, Connection) are not the
           // caller's
  const ByteSource* body = nullptr;  // borrowed; nullptr for none
  ByteCount body_offset = 0;         // where in the source the body begins
  ByteCount body_bytes = 0;
  BytesDone done =
      {};  // bytes of the body that the network took; begins again when a kept connection was dead
  std::optional<std::chrono::milliseconds> answer_limit = {};  // in place of HttpLimits::answer
};

// All of it is the server's text, never to be trusted.
struct HttpAnswer {
  unsigned status = 0;
  std::string reason = {};
  std::vector<std::pair<std::string, std::string>> headers = {};  // names in lower case
  std::string body = {};                                          // cut at HttpLimits::answer_body_bytes
  bool body_is_cut = false;

  // The first value of a header, by its name in lower case; empty when absent.
  std::string_view header(std::string_view name) const {
    for (const auto& [key, value] : headers) {
      if (key == name) return value;
    }
    return {};
  }
};

class HttpTransport {
 public:
  virtual ~HttpTransport() = default;
  // An answer of any status is a value; of one that is no success the body may be cut. A 2xx that came before
  // the body was sent, or that was itself cut off, is not an answer but a failure; only the limit of our own
  // may cut it (body_is_cut). Failures name the phase and the address, but not the URL: the caller knows it.
  // May be called by several threads at once.
  virtual SendOutcome<HttpAnswer> exchange(const HttpRequest& request) = 0;
};

// Fails when there are no roots, when a file is missing, can be read by others or holds something else, when
// key and certificate do not match, or when the proxy makes no sense.
Outcome<std::unique_ptr<HttpTransport>> make_http_transport(const HttpTransportOptions& options);

}  // namespace warmdump
