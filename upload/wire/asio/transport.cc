// HttpTransport over Asio: which connection a request goes over, and the two things that are tried again at
// once.

#include <exception>
#include <memory>
#include <string>

#include "upload/wire/asio/connection_pool.h"
#include "upload/wire/asio/dial.h"
#include "upload/wire/asio/exchange.h"
#include "upload/wire/name_lookup.h"
#include "upload/wire/request_head.h"

namespace warmdump {
namespace {

using namespace wire;

// A request that must not arrive twice goes over a kept connection only while it is unlikely to be dead.
constexpr std::chrono::milliseconds kFresh{1'000};

struct Parts {
  ProxyRules proxies;
  std::unique_ptr<TlsContexts> tls;
  std::unique_ptr<TlsContexts> proxy_tls;  // never shows our certificate
};

Task<void> serve(Connection& connection, const Route& route, const std::vector<std::string>* addresses,
                 const HttpLimits& limits, Exchange& exchange, std::optional<SendFailure>& failure) {
  if (addresses != nullptr) {
    failure = co_await connection.open(route, *addresses, limits);
    if (failure) {
      connection.close();
      co_return;
    }
  }
  co_await exchange.run();
}

class AsioTransport final : public HttpTransport {
 public:
  AsioTransport(const HttpTransportOptions& options, Parts parts)
      : options_(options),
        parts_(std::move(parts)),
        lookup_(options.resolver ? options.resolver : system_resolver()),
        pool_(options.limits.idle_connections, options.limits.idle) {}

  SendOutcome<HttpAnswer> exchange(const HttpRequest& request) override try {
    Route route{request.url, parts_.proxies.find(request.url), parts_.tls.get(), parts_.proxy_tls.get(),
                !options_.client_certificate_file.empty()};
    if (request.url.is_https && route.tls == nullptr) {
      return SendFailure(Failure(ErrorCode::invalid, "this transport was made without TLS"));
    }
    bool ask_first = request.body_bytes >= options_.limits.expect_continue_from;
    bool may_reuse = true;
    for (;;) {
      Attempt attempt = TRY(try_once(request, route, ask_first, may_reuse));
      if (attempt.was_dead && is_idempotent(request)) {
        may_reuse = false;
      } else if (attempt.outcome.has_value() && attempt.outcome->status == 417 && ask_first) {
        ask_first = false;
        may_reuse = false;
      } else {
        return std::move(attempt.outcome);
      }
    }
  } catch (const std::exception& error) {
    return SendFailure(Failure(ErrorCode::io, std::string("unexpected: ") + error.what()));
  }

 private:
  struct Attempt {
    SendOutcome<HttpAnswer> outcome;
    bool was_dead = false;  // a kept connection, which the other side had closed
  };

  SendOutcome<std::vector<std::string>> addresses_of(const Route& route) {
    const Url& hop = route.first_hop();
    std::vector<std::string> addresses;
    if (hop.host_is_address) {
      addresses.push_back(hop.host);
    } else {
      auto found = lookup_.find(hop.host, options_.limits.lookup);
      if (!found.has_value()) return SendFailure(std::move(found.error()), Remedy::wait);
      addresses = std::move(*found);
    }
    if (!options_.allow_link_local) {
      std::erase_if(addresses, is_link_local);
      if (addresses.empty() || (route.target.host_is_address && is_link_local(route.target.host))) {
        return SendFailure(Failure(ErrorCode::refused,
                                   route.target.host + " is a link-local address, where a cloud's machines "
                                                       "find their secrets; nothing is sent there"),
                           Remedy::change_sink);
      }
    }
    return addresses;
  }

  SendOutcome<Attempt> try_once(const HttpRequest& request, const Route& route, bool ask_first,
                                bool may_reuse) {
    RequestHeadOptions head_options{.ask_first = ask_first};
    if (route.proxy && !route.is_tunnelled()) {
      head_options.absolute_form = true;
      head_options.proxy_authorization = route.proxy->authorization;
    }
    const std::string head = TRY(request_head(request, head_options));
    const std::string key = route.key();
    const auto freshness = is_idempotent(request) ? options_.limits.idle : kFresh;
    auto connection = may_reuse ? pool_.take(key, freshness) : nullptr;
    const bool is_kept = connection != nullptr;
    std::vector<std::string> addresses;
    if (!is_kept) {
      addresses = TRY(addresses_of(route));
      connection = std::make_unique<Connection>();
    }
    Exchange exchange(request, head, ask_first, options_.limits, options_.bandwidth.get(), *connection);
    std::optional<SendFailure> failure;
    connection->run(
        serve(*connection, route, is_kept ? nullptr : &addresses, options_.limits, exchange, failure));
    if (failure) return std::move(*failure);
    const bool was_dead = is_kept && exchange.found_it_dead();
    Attempt attempt{exchange.result(route), was_dead};
    if (exchange.may_keep_connection()) pool_.give(key, std::move(connection));
    return attempt;
  }

  const HttpTransportOptions options_;
  const Parts parts_;
  NameLookup lookup_;
  ConnectionPool pool_;
};

}  // namespace

Outcome<std::unique_ptr<HttpTransport>> make_http_transport(const HttpTransportOptions& options) {
  Parts parts;
  parts.proxies =
      TRY(make_proxy_rules({options.proxy, options.proxy_credentials_file, options.no_proxy}, secure_getenv));
  TlsClientOptions tls{options.ca_file, options.client_certificate_file, options.client_key_file};
  if (options.with_tls) parts.tls = TRY(TlsContexts::make(tls));
  const auto is_https = [](const std::optional<Proxy>& proxy) { return proxy && proxy->url.is_https; };
  if (is_https(parts.proxies.for_http) || is_https(parts.proxies.for_https)) {
    parts.proxy_tls = TRY(TlsContexts::make({.ca_file = options.ca_file}));
  }
  return std::unique_ptr<HttpTransport>(std::make_unique<AsioTransport>(options, std::move(parts)));
}

}  // namespace warmdump
