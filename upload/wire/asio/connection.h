// Connection: a way to one server, opened once and used for one request after the other. It has an io_context
// of its own, which runs on the thread that has a request, and only while it has one.

#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "upload/wire/asio/stream.h"
#include "upload/wire/asio/watchdog.h"
#include "upload/wire/http_transport.h"
#include "upload/wire/proxy.h"
#include "upload/wire/tls_client.h"

namespace warmdump::wire {

// Where to, and what is needed to get there.
struct Route {
  Url target;
  const Proxy* proxy = nullptr;      // borrowed; null: directly
  TlsContexts* tls = nullptr;        // borrowed; for the target, when it is https
  TlsContexts* proxy_tls = nullptr;  // borrowed; for the proxy, when it is https
  bool has_certificate = false;      // we have one to show to the target

  // Whose name is looked up and dialled.
  const Url& first_hop() const { return proxy ? proxy->url : target; }
  bool is_tunnelled() const { return proxy && target.is_https; }
  // Connections with the same key lead to the same place.
  std::string key() const;
};

class Connection {
 public:
  Connection() : socket_(context_), watchdog_(context_, socket_) {}

  asio::io_context& context() { return context_; }
  Watchdog& watchdog() { return watchdog_; }
  // Once it is open.
  Stream& stream() { return *top_; }

  // Dials, asks the proxy for a tunnel, shakes hands. Empty when it is open.
  Task<std::optional<SendFailure>> open(const Route& route, const std::vector<std::string>& addresses,
                                        const HttpLimits& limits);
  // Everything pending fails. Disarms the watchdog.
  void close();

  // Runs the coroutine, and whatever it spawns, to its end; an exception that leaves it comes out here.
  void run(Task<void> task);

  // Nothing was heard from the other side since the last answer, not even that it has closed.
  bool is_quiet();

 private:
  Task<std::optional<SendFailure>> tunnel(const Route& route, const HttpLimits& limits);
  Task<std::optional<SendFailure>> shake_hands(TlsStream& stream, const Url& peer, bool has_certificate,
                                               const HttpLimits& limits);

  asio::io_context context_{1};
  tcp::socket socket_;
  Watchdog watchdog_;
  std::unique_ptr<Stream> first_;   // TCP, or TLS of the proxy or the target
  std::unique_ptr<Stream> second_;  // TLS of the target upon it, behind a proxy
  Stream* top_ = nullptr;           // the one to use
};

}  // namespace warmdump::wire
