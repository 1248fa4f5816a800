#include "upload/wire/asio/connection.h"

#include <poll.h>

#include <array>
#include <exception>

#include "upload/wire/answer_parser.h"
#include "upload/wire/asio/dial.h"
#include "upload/wire/request_head.h"

namespace warmdump::wire {
namespace {

std::span<const std::byte> first_of(const std::array<std::byte, 4096>& buffer, std::size_t size) {
  return std::span(buffer).first(size);
}

}  // namespace

std::string Route::key() const {
  return (target.is_https ? "https://" : "http://") + target.authority() +
         (proxy ? " " + proxy->url.text() : "");
}

Task<std::optional<SendFailure>> Connection::open(const Route& route,
                                                  const std::vector<std::string>& addresses,
                                                  const HttpLimits& limits) {
  auto failure = co_await dial(context_, socket_, addresses, route.first_hop().port, limits);
  if (failure) co_return failure;
  TlsStream* below = nullptr;
  if (route.proxy && route.proxy->url.is_https) {
    auto tls = make_tls_stream(socket_, route.proxy_tls->current().get());
    below = tls.get();
    first_ = std::move(tls);
    failure = co_await shake_hands(*below, route.proxy->url, false, limits);
    if (failure) co_return failure;
  } else {
    first_ = make_plain_stream(socket_);
  }
  top_ = first_.get();
  if (!route.target.is_https) co_return std::nullopt;

  if (route.proxy) {
    failure = co_await tunnel(route, limits);
    if (failure) co_return failure;
  }
  const SslContext context = route.tls->current();
  auto tls = below == nullptr ? make_tls_stream(socket_, context.get()) : below->inner(context.get());
  failure = co_await shake_hands(*tls, route.target, route.has_certificate, limits);
  if (failure) co_return failure;
  second_ = std::move(tls);
  top_ = second_.get();
  co_return std::nullopt;
}

Task<std::optional<SendFailure>> Connection::tunnel(const Route& route, const HttpLimits& limits) {
  const std::string name = "the proxy " + route.proxy->url.text();
  const std::string head = connect_head(route.target, route.proxy->authorization);
  watchdog_.arm(limits.answer, "answer of " + name + " to CONNECT");
  error_code error;
  co_await write_all(*top_, asio::buffer(head), error);
  AnswerParser parser(limits, true);
  std::array<std::byte, 4096> buffer;
  while (!error && !parser.is_done()) {
    const std::size_t got = co_await top_->read_some(asio::buffer(buffer), error);
    auto taken = parser.put(first_of(buffer, got));
    if (!taken.has_value()) co_return std::move(taken.error()).in(name);
  }
  watchdog_.disarm();
  if (watchdog_.expired())
    co_return SendFailure(Failure(ErrorCode::timed_out, watchdog_.reason()), Remedy::wait);
  if (!parser.is_done()) co_return temporary(name + " closed the connection: " + error.message());
  if (parser.status() < 200 || parser.status() > 299) {
    co_return proxy_failure(*route.proxy, parser.status(), route.target.authority());
  }
  if (parser.has_rest()) {
    co_return SendFailure(Failure(ErrorCode::refused, name + " sends what the server cannot have sent yet"),
                          Remedy::change_sink);
  }
  co_return std::nullopt;
}

Task<std::optional<SendFailure>> Connection::shake_hands(TlsStream& stream, const Url& peer,
                                                         bool has_certificate, const HttpLimits& limits) {
  auto expected = expect_peer(stream.session(), peer.host, peer.host_is_address);
  if (!expected.has_value()) co_return SendFailure(std::move(expected.error()), Remedy::change_sink);
  error_code error;
  watchdog_.arm(limits.tls, "TLS handshake");
  co_await stream.handshake(error);
  watchdog_.disarm();
  if (watchdog_.expired()) {
    co_return SendFailure(Failure(ErrorCode::timed_out, watchdog_.reason() + " with " + peer.authority()),
                          Remedy::wait);
  }
  if (!error) co_return std::nullopt;
  if (!is_tls_error(error)) {
    co_return handshake_failure(stream.session(), peer.authority(), error.message(), Remedy::wait);
  }
  const auto reason = static_cast<unsigned long>(error.value());
  auto refusal = certificate_refusal(reason, peer.authority(), has_certificate);
  if (refusal) co_return refusal;
  co_return handshake_failure(stream.session(), peer.authority(), error.message(),
                              is_passing_alert(reason) ? Remedy::wait : Remedy::change_sink);
}

void Connection::close() {
  watchdog_.disarm();
  error_code ignored;
  socket_.close(ignored);
}

void Connection::run(Task<void> task) {
  std::exception_ptr thrown;
  context_.restart();
  asio::co_spawn(context_, std::move(task), [&](std::exception_ptr error) {
    thrown = error;
    if (error) close();
  });
  context_.run();
  if (thrown) std::rethrow_exception(thrown);
}

bool Connection::is_quiet() {
  pollfd item{socket_.native_handle(), POLLIN, 0};
  return socket_.is_open() && poll(&item, 1, 0) == 0;
}

}  // namespace warmdump::wire
