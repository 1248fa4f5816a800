#include "upload/wire/asio/exchange.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

namespace warmdump::wire {
namespace {

constexpr std::size_t kReadBytes = 16 * 1024;

bool is_success(unsigned status) {
  return status >= 200 && status < 300;
}

}  // namespace

Exchange::Exchange(const HttpRequest& request, const std::string& head, bool ask_first,
                   const HttpLimits& limits, BandwidthLimit* bandwidth, Connection& connection)
    : request_(request),
      head_(head),
      ask_first_(ask_first),
      limits_(limits),
      bandwidth_(bandwidth),
      connection_(connection),
      parser_(limits, request.method == "HEAD"),
      may_send_body_(connection.context()),
      answer_is_read_(connection.context()) {}

Task<void> Exchange::run() {
  Watchdog& watchdog = connection_.watchdog();
  watchdog.arm(limits_.answer, "progress of the request header");
  co_await write_all(connection_.stream(), asio::buffer(head_), write_error_);
  answer_is_read_.expires_at(asio::steady_timer::time_point::max());
  may_send_body_.expires_after(limits_.continue_wait);
  asio::co_spawn(connection_.context(), read_answer(), [this](std::exception_ptr error) {
    if (error) {
      failure_ = Failure(ErrorCode::io, "unexpected exception while reading the answer");
      connection_.close();
    }
    reader_ends();
  });
  if (ask_first_ && !write_error_) co_await pause(may_send_body_);
  if (!write_error_) co_await send_body();
  if (!reader_ended_) {
    if (write_error_) watchdog.arm(limits_.early_answer, "answer");
    if (body_is_sent_) watchdog.arm(request_.answer_limit.value_or(limits_.answer), "answer");
    co_await pause(answer_is_read_);
  }
  keep_ = body_is_sent_ && parser_.may_keep_connection() && !write_error_ && !watchdog.expired() && !failure_;
  watchdog.disarm();
  if (!keep_) connection_.close();
}

Task<void> Exchange::read_answer() {
  std::vector<std::byte> buffer(kReadBytes);
  while (!read_error_ && !parser_.is_done()) {
    const bool had_header = parser_.has_header();
    const std::size_t got = co_await connection_.stream().read_some(asio::buffer(buffer), read_error_);
    auto taken = parser_.put(std::span(buffer).first(got));
    if (parser_.says_continue() || parser_.has_header()) may_send_body_.cancel();
    if (!had_header && parser_.has_header() && !body_is_sent_) {
      connection_.watchdog().arm(limits_.early_answer, "end of an early answer");
    }
    if (!taken.has_value()) {
      (parser_.has_header() ? bad_body_ : failure_) = std::move(taken.error());
      break;
    }
  }
  if (read_error_) parser_.end(read_error_ == asio::error::eof);
  // A success may overtake the completion of the last write; anything else makes the rest of the body
  // pointless, and the writer may be stuck in it.
  if (!body_is_sent_ && !is_success(status())) connection_.close();
}

void Exchange::reader_ends() {
  reader_ended_ = true;
  may_send_body_.cancel();
  answer_is_read_.cancel();
}

Task<void> Exchange::wait_for_turn(ByteCount bytes) {
  const auto turn = bandwidth_->take(bytes);
  waits_since_ = std::chrono::steady_clock::now();
  if (turn > *waits_since_) {
    may_send_body_.expires_at(turn);
    co_await pause(may_send_body_);
  }
  waited_ = waited();
  waits_since_.reset();
}

Watchdog::Duration Exchange::waited() const {
  return waits_since_ ? waited_ + (std::chrono::steady_clock::now() - *waits_since_) : waited_;
}

Task<void> Exchange::send_body() {
  ByteCount chunk_bytes = std::min(request_.body_bytes, limits_.chunk_bytes);
  if (bandwidth_ != nullptr) chunk_bytes = std::min(chunk_bytes, bandwidth_->quantum());
  std::vector<std::byte> chunk(chunk_bytes);
  Watchdog& watchdog = connection_.watchdog();
  if (!parser_.has_header())
    watchdog.arm_progress(limits_.stall_window, limits_.stall_bytes, bytes_sent_,
                          [this] { return waited(); });
  while (bytes_sent_ < request_.body_bytes && !parser_.has_header() && !reader_ended_ && !write_error_) {
    const ByteCount wanted = std::min<ByteCount>(chunk.size(), request_.body_bytes - bytes_sent_);
    const auto got = request_.body->read(request_.body_offset + bytes_sent_, std::span(chunk).first(wanted));
    if (!got.has_value() || *got == 0) {
      failure_ = got.has_value() ? Failure(ErrorCode::corrupt, "the file was cut while it was being sent")
                                 : Failure(got.error());
      connection_.close();
      co_return;
    }
    if (bandwidth_ != nullptr) co_await wait_for_turn(*got);
    asio::const_buffer rest(chunk.data(), *got);
    while (rest.size() > 0 && !parser_.has_header() && !write_error_) {
      const std::size_t written = co_await connection_.stream().write_some(rest, write_error_);
      closed_while_writing_ = reader_ended_ || watchdog.expired();
      rest += written;
      bytes_sent_ += written;
      if (request_.done) request_.done(bytes_sent_);
    }
  }
  body_is_sent_ = bytes_sent_ == request_.body_bytes;
}

bool Exchange::found_it_dead() const {
  return !parser_.has_bytes() && !failure_ && !connection_.watchdog().expired() &&
         (write_error_ || read_error_);
}

SendOutcome<HttpAnswer> Exchange::result(const Route& route) {
  if (failure_) return std::move(*failure_);
  if (!parser_.has_header()) return no_answer(route);
  if (route.proxy && !route.is_tunnelled() && status() == 407) {
    return proxy_failure(*route.proxy, status(), route.target.authority());
  }
  if (!is_success(status())) return parser_.take();
  if (!body_is_sent_) {
    return temporary(fmt::format("the server answered {} after {} of {} bytes, before it had the whole file",
                                 status(), bytes_sent_, request_.body_bytes));
  }
  if (parser_.is_done()) return parser_.take();
  return temporary(fmt::format("the server's answer {} was cut off{}", status(),
                               bad_body_ ? ": " + bad_body_->failure.message : ""));
}

SendFailure Exchange::no_answer(const Route& route) const {
  const std::string progress = fmt::format(" after {} of {} bytes", bytes_sent_, request_.body_bytes);
  const Watchdog& watchdog = connection_.watchdog();
  if (is_tls_error(read_error_)) {
    auto refusal = certificate_refusal(static_cast<unsigned long>(read_error_.value()),
                                       route.target.authority(), route.has_certificate);
    if (refusal) return std::move(*refusal);
  }
  if (write_error_ && !closed_while_writing_) {
    return temporary("the connection broke" + progress + ": " + write_error_.message());
  }
  if (watchdog.expired()) {
    return {Failure(ErrorCode::timed_out, watchdog.reason() + "," + progress), Remedy::wait};
  }
  return temporary("the server closed the connection without an answer," + progress +
                   (!read_error_ || read_error_ == asio::error::eof ? "" : ": " + read_error_.message()));
}

}  // namespace warmdump::wire
