// The wire side of HttpTransport: Asio, Beast, TLS. Written to the subset that Boost 1.74 and newer share.
//
// Sending and reading run at the same time, as two coroutines on one thread. So an answer that comes in the
// middle of the body is seen at once, before the server's reset can destroy it, and waiting for
// "100 Continue" needs no read that must be cancelled (which a TLS stream does not survive).
// Every wait has a deadline: the watchdog closes the socket, and whatever was pending fails.

#include "upload/http_transport.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/buffers_to_string.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <cerrno>
#include <functional>
#include <limits>
#include <optional>
#include <utility>  // before Asio: 1.74 uses std::exchange without it

#include "upload/tls_client.h"

namespace warmdump {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using asio::ip::tcp;
using boost::system::error_code;
template <class T>
using Task = asio::awaitable<T>;

auto into(error_code& error) {
  return asio::redirect_error(asio::use_awaitable, error);
}

SendFailure temporary(std::string message) {
  return warmdump::temporary(Failure(ErrorCode::io, std::move(message)));
}

// Closes the socket when a phase takes too long.
class Watchdog {
 public:
  Watchdog(asio::io_context& context, tcp::socket& socket) : timer_(context), socket_(socket) {}

  void arm(std::chrono::milliseconds duration, std::string what) {
    start(duration, [this, duration, what = std::move(what)] {
      expire(fmt::format("no {} within {} s", what, static_cast<double>(duration.count()) / 1000));
    });
  }

  // Expires when `counter` grows by less than `least` in any span of `window`.
  void arm_progress(std::chrono::milliseconds window, ByteCount least, const ByteCount& counter) {
    start(window, [this, window, least, &counter, before = counter] {
      if (counter - before >= least) return arm_progress(window, least, counter);
      expire(fmt::format("the connection stalled: {} bytes in {} s", counter - before,
                         static_cast<double>(window.count()) / 1000));
    });
  }

  void disarm() {
    ++generation_;
    timer_.cancel();
  }

  bool expired() const { return !reason_.empty(); }
  const std::string& reason() const { return reason_; }
  void forget() { reason_.clear(); }

 private:
  void start(std::chrono::milliseconds duration, std::function<void()> on_expiry) {
    timer_.expires_after(duration);
    // An expiry that was already queued when the timer was set anew carries no error; its number tells.
    timer_.async_wait([this, mine = ++generation_, on_expiry = std::move(on_expiry)](error_code error) {
      if (!error && mine == generation_) on_expiry();
    });
  }

  void expire(std::string reason) {
    reason_ = std::move(reason);
    error_code ignored;
    socket_.close(ignored);
  }

  asio::steady_timer timer_;
  tcp::socket& socket_;
  unsigned generation_ = 0;
  std::string reason_;
};

// One PUT; lives on the stack of AsioTransport::put until its io_context has run dry.
struct Exchange {
  Exchange(const HttpPut& the_request, const HttpLimits& the_limits)
      : request(the_request),
        limits(the_limits),
        socket(context),
        watchdog(context, socket),
        may_send_body(context),
        answer_is_read(context) {}

  void close() {
    watchdog.disarm();
    error_code ignored;
    socket.close(ignored);
  }

  const HttpPut& request;
  const HttpLimits& limits;
  asio::io_context context{1};
  tcp::socket socket;
  Watchdog watchdog;
  asio::steady_timer may_send_body;   // cancelled by 100 Continue and by the final answer
  asio::steady_timer answer_is_read;  // cancelled when read_answer ends

  ByteCount bytes_sent = 0;
  bool body_is_sent = false;
  bool was_continued = false;
  bool has_answer = false;  // header of the final answer was read
  bool reader_ended = false;
  HttpAnswer answer;
  error_code read_error;
  error_code write_error;
  bool closed_while_writing = false;   // write_error is our own doing: the answer ended or a deadline passed
  std::optional<SendFailure> failure;  // found before or beside the HTTP exchange
};

std::string text_of(const tcp::endpoint& endpoint) {
  const std::string address = endpoint.address().to_string();
  const bool is_v6 = endpoint.address().is_v6();
  return (is_v6 ? "[" + address + "]" : address) + ":" + std::to_string(endpoint.port());
}

Task<std::vector<tcp::endpoint>> resolve(Exchange& x) {
  std::vector<tcp::endpoint> endpoints;
  const Url& url = x.request.url;
  if (url.host_is_address) {
    endpoints.emplace_back(asio::ip::make_address(url.host), url.port);
    co_return endpoints;
  }
  tcp::resolver resolver(x.context);
  error_code error;
  const auto results = co_await resolver.async_resolve(url.host, std::to_string(url.port),
                                                       tcp::resolver::numeric_service, into(error));
  if (error) {
    x.failure = temporary(fmt::format("cannot find host {}: {}", url.host, error.message()));
  } else {
    for (const auto& result : results) endpoints.push_back(result.endpoint());
  }
  co_return endpoints;
}

Task<bool> connect(Exchange& x) {
  const std::vector<tcp::endpoint> endpoints = co_await resolve(x);
  std::string reasons;
  for (const auto& endpoint : endpoints) {
    error_code error;
    x.watchdog.arm(x.limits.connect, "connection");
    co_await x.socket.async_connect(endpoint, into(error));
    x.watchdog.disarm();
    if (!error && !x.watchdog.expired()) co_return true;
    reasons += reasons.empty() ? "" : ", ";
    reasons += text_of(endpoint) + ": " + (x.watchdog.expired() ? x.watchdog.reason() : error.message());
    x.watchdog.forget();
    x.socket.close(error);
  }
  if (!x.failure) x.failure = temporary("cannot connect to " + reasons);
  co_return false;
}

using AnswerParser = http::response_parser<http::dynamic_body>;

void take_header(Exchange& x, const AnswerParser::value_type& response) {
  x.answer.status = response.result_int();
  x.answer.reason = std::string(response.reason());
  x.answer.retry_after = std::string(response[http::field::retry_after]);
  x.answer.location = std::string(response[http::field::location]);
  x.answer.content_type = std::string(response[http::field::content_type]);
  x.has_answer = true;
}

bool is_success(unsigned status) {
  return status >= 200 && status < 300;
}

template <class Stream>
Task<void> read_answer(Exchange& x, Stream& stream) {
  boost::beast::flat_buffer buffer;
  for (unsigned interim = 0; !x.has_answer && !x.read_error; ++interim) {
    AnswerParser parser;
    parser.header_limit(x.limits.answer_header_bytes);
    // The limit of the parser would turn an answer that announces a huge body into none at all. Not
    // boost::none: 1.74 takes that for zero.
    parser.body_limit(std::numeric_limits<std::uint64_t>::max());
    co_await http::async_read_header(stream, buffer, parser, into(x.read_error));
    if (x.read_error) break;
    if (parser.get().result_int() < 200) {
      if (interim >= x.limits.interim_answers) {
        x.failure = Failure(ErrorCode::refused, "the server sends 1xx answers without end");
        break;
      }
      x.was_continued = true;
      x.may_send_body.cancel();
      continue;
    }
    take_header(x, parser.get());
    x.may_send_body.cancel();
    if (!x.body_is_sent) x.watchdog.arm(x.limits.early_answer, "end of an early answer");
    if (!is_success(x.answer.status)) {
      // The text is for a message only; what arrived before an error is good enough.
      error_code error;
      while (!error && !parser.is_done() && parser.get().body().size() < x.limits.answer_body_bytes) {
        co_await http::async_read_some(stream, buffer, parser, into(error));
      }
      x.answer.body = boost::beast::buffers_to_string(parser.get().body().data());
    }
  }
  x.reader_ended = true;
  x.may_send_body.cancel();
  x.answer_is_read.cancel();
  // A success may overtake the completion of the last write; anything else makes the rest of the body
  // pointless, and the writer may be stuck in it.
  if (!x.has_answer || !is_success(x.answer.status)) x.close();
}

template <class Stream>
Task<void> send_header(Exchange& x, Stream& stream, bool ask_first) {
  http::request<http::empty_body> header(http::verb::put, x.request.url.path, 11);
  header.set(http::field::host, x.request.url.authority());
  for (const auto& [name, value] : x.request.headers) header.set(name, value);
  header.set(http::field::content_length, std::to_string(x.request.body_bytes));
  header.set(http::field::connection, "close");
  if (ask_first) header.set(http::field::expect, "100-continue");
  http::request_serializer<http::empty_body> serializer(header);
  co_await http::async_write_header(stream, serializer, into(x.write_error));
}

template <class Stream>
Task<void> send_body(Exchange& x, Stream& stream) {
  std::vector<std::byte> chunk(std::min(x.request.body_bytes, x.limits.chunk_bytes));
  x.watchdog.arm_progress(x.limits.stall_window, x.limits.stall_bytes, x.bytes_sent);
  while (x.bytes_sent < x.request.body_bytes && !x.has_answer && !x.write_error) {
    const ByteCount wanted = std::min<ByteCount>(chunk.size(), x.request.body_bytes - x.bytes_sent);
    const auto got = x.request.body->read(x.bytes_sent, std::span(chunk).first(wanted));
    if (!got || *got == 0) {
      x.failure = got ? Failure(ErrorCode::corrupt, "the file was cut while it was being sent")
                      : Failure(got.error());
      x.close();
      co_return;
    }
    asio::const_buffer rest(chunk.data(), *got);
    while (rest.size() > 0 && !x.has_answer && !x.write_error) {
      const std::size_t written = co_await stream.async_write_some(rest, into(x.write_error));
      x.closed_while_writing = x.reader_ended || x.watchdog.expired();
      rest += written;
      x.bytes_sent += written;
      x.request.done(x.bytes_sent);
    }
  }
  x.body_is_sent = x.bytes_sent == x.request.body_bytes;
}

template <class Stream>
Task<void> talk(Exchange& x, Stream& stream) {
  const bool ask_first = x.request.body_bytes >= x.limits.expect_continue_from;
  x.watchdog.arm(x.limits.answer, "progress of the request header");
  co_await send_header(x, stream, ask_first);
  asio::co_spawn(x.context, read_answer(x, stream), [&x](std::exception_ptr error) {
    if (!error) return;
    x.failure = Failure(ErrorCode::io, "unexpected exception while reading the answer");
    x.reader_ended = true;
    x.may_send_body.cancel();
    x.answer_is_read.cancel();
    x.close();
  });
  if (ask_first && !x.write_error) {
    error_code ignored;
    x.may_send_body.expires_after(x.limits.continue_wait);
    co_await x.may_send_body.async_wait(into(ignored));
  }
  if (!x.write_error) co_await send_body(x, stream);
  if (!x.reader_ended) {
    if (x.write_error) x.watchdog.arm(x.limits.early_answer, "answer");
    if (x.body_is_sent) x.watchdog.arm(x.limits.answer, "answer");
    error_code ignored;
    x.answer_is_read.expires_at(asio::steady_timer::time_point::max());
    co_await x.answer_is_read.async_wait(into(ignored));
  }
  x.close();
}

Task<void> run_plain(Exchange& x) {
  const bool is_connected = co_await connect(x);
  if (is_connected) co_await talk(x, x.socket);
}

Task<void> run_tls(Exchange& x, asio::ssl::context& tls) {
  const bool is_connected = co_await connect(x);
  if (!is_connected) co_return;
  asio::ssl::stream<tcp::socket&> stream(x.socket, tls);
  const Url& url = x.request.url;
  auto expected = expect_peer(stream.native_handle(), url.host, url.host_is_address);
  if (!expected.has_value()) {
    x.failure = std::move(expected.error());
    co_return;
  }
  error_code error;
  x.watchdog.arm(x.limits.tls, "TLS handshake");
  co_await stream.async_handshake(asio::ssl::stream_base::client, into(error));
  x.watchdog.disarm();
  if (x.watchdog.expired()) {
    x.failure = temporary(x.watchdog.reason() + " with " + url.authority());
  } else if (error) {
    const bool is_protocol_error = error.category() == asio::error::get_ssl_category();
    x.failure = handshake_failure(stream.native_handle(), url.authority(), error.message(),
                                  is_protocol_error ? Outlook::permanent : Outlook::temporary);
  } else {
    co_await talk(x, stream);
  }
  x.close();
}

SendFailure failure_of(const Exchange& x) {
  const std::string progress = fmt::format(" after {} of {} bytes", x.bytes_sent, x.request.body_bytes);
  if (x.has_answer) {
    return temporary(
        fmt::format("the server answered {}{}, before it had the whole file", x.answer.status, progress));
  }
  if (x.write_error && !x.closed_while_writing) {
    return temporary("the connection broke" + progress + ": " + x.write_error.message());
  }
  if (x.watchdog.expired()) {
    return {Failure(ErrorCode::timed_out, x.watchdog.reason() + "," + progress), Outlook::temporary};
  }
  if (x.read_error == http::error::header_limit) {
    return Failure(ErrorCode::refused,
                   fmt::format("the header of the server's answer is larger than {} bytes",
                               x.limits.answer_header_bytes));
  }
  const bool is_end =
      x.read_error == http::error::end_of_stream || x.read_error == http::error::partial_message;
  if (!is_end && x.read_error.category() == http::make_error_code(http::error::bad_version).category()) {
    return Failure(ErrorCode::refused, "the server's answer is not HTTP: " + x.read_error.message());
  }
  return temporary("the server closed the connection without an answer," + progress +
                   (is_end ? "" : ": " + x.read_error.message()));
}

class AsioTransport final : public HttpTransport {
 public:
  AsioTransport(std::unique_ptr<asio::ssl::context> tls, const HttpLimits& limits)
      : tls_(std::move(tls)), limits_(limits) {}

  SendOutcome<HttpAnswer> put(const HttpPut& request) override try {
    Exchange x(request, limits_);
    std::exception_ptr thrown;
    asio::co_spawn(x.context, tls_ ? run_tls(x, *tls_) : run_plain(x), [&](std::exception_ptr error) {
      thrown = error;
      x.close();
    });
    x.context.run();
    if (thrown) std::rethrow_exception(thrown);
    if (x.failure) return std::move(*x.failure);
    if (x.has_answer && (x.body_is_sent || !is_success(x.answer.status))) return std::move(x.answer);
    return failure_of(x);
  } catch (const std::exception& error) {
    return SendFailure(Failure(ErrorCode::io, std::string("unexpected: ") + error.what()));
  }

 private:
  std::unique_ptr<asio::ssl::context> tls_;  // null for plain http
  HttpLimits limits_;
};

}  // namespace

Outcome<std::unique_ptr<HttpTransport>> make_http_transport(bool is_https, const std::string& ca_file,
                                                            const HttpLimits& limits) {
  std::unique_ptr<asio::ssl::context> tls;
  if (is_https) {
    SslContext context = TRY(make_tls_client_context(ca_file));
    tls = std::make_unique<asio::ssl::context>(context.get());
    context.release();
  }
  return std::unique_ptr<HttpTransport>(std::make_unique<AsioTransport>(std::move(tls), limits));
}

}  // namespace warmdump
