// HttpTransport: one PUT of a file over HTTP/1.1, and its answer. The seam between what to send and the wire.
//
// The wire side (http_transport.cc) is the only file that knows Asio and Beast. It makes a new connection for
// each PUT: a dump is a few files, and a kept connection that went stale is a class of errors of its own.

#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "upload/destination.h"
#include "upload/url.h"

namespace warmdump {

// Bounds of everything the other side controls.
struct HttpLimits {
  std::chrono::milliseconds connect{10'000};       // for each address of the host
  std::chrono::milliseconds tls{10'000};           // whole handshake
  std::chrono::milliseconds continue_wait{1'000};  // for "100 Continue" before the body is sent anyway
  std::chrono::milliseconds answer{60'000};        // from the last byte of the body to the end of the answer
  std::chrono::milliseconds early_answer{2'000};   // for the answer when the server stopped taking the body
  std::chrono::milliseconds stall_window{60'000};  // in each such span ...
  ByteCount stall_bytes = 60 * kKiB;               // ... at least so much must be taken by the network
  ByteCount expect_continue_from = 1 * kMiB;       // smaller bodies are sent without asking
  ByteCount chunk_bytes = 128 * kKiB;              // the only buffer for the body
  std::uint32_t answer_header_bytes = 16 * 1024;
  ByteCount answer_body_bytes = 1 * kMiB;  // the rest of a larger one is not read
  unsigned interim_answers = 20;           // 1xx before the final one
};

struct HttpPut {
  Url url;
  std::vector<std::pair<std::string, std::string>> headers;  // besides Host, Content-Length, Expect
  const ByteSource* body = nullptr;                          // read from its start; borrowed
  ByteCount body_bytes = 0;
  BytesDone done;
};

struct HttpAnswer {
  unsigned status = 0;
  std::string reason;
  std::string retry_after;  // header values, empty when absent; text of the server, never to be trusted
  std::string location;
  std::string content_type;
  std::string body;  // may be cut; only for messages
};

class HttpTransport {
 public:
  virtual ~HttpTransport() = default;
  // An answer of any status is a value. A 2xx that came before the body was sent is not an answer but a
  // failure. Failures name the phase and the address, but not the URL: the caller knows it.
  virtual SendOutcome<HttpAnswer> put(const HttpPut& request) = 0;
};

// ca_file: PEM roots that replace the system's; empty for the system's. Fails when there are no roots.
// With is_https false no TLS is set up at all.
Outcome<std::unique_ptr<HttpTransport>> make_http_transport(bool is_https, const std::string& ca_file,
                                                            const HttpLimits& limits);

}  // namespace warmdump
