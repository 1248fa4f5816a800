// Exchange: one request and its answer on a connection.
//
// Sending and reading run at the same time, as two coroutines on one thread. So an answer that comes in the
// middle of the body is seen at once, before the server's reset can destroy it, and waiting for "100
// Continue" needs no read that must be cancelled (which a TLS stream does not survive). Every wait has a
// deadline: the watchdog closes the socket, and whatever was pending fails.

#pragma once

#include <optional>
#include <string>

#include "upload/wire/answer_parser.h"
#include "upload/wire/asio/connection.h"

namespace warmdump::wire {

class Exchange {
 public:
  // `head` is what request_head made of the request; ask_first: it has "Expect: 100-continue". All is
  // borrowed.
  Exchange(const HttpRequest& request, const std::string& head, bool ask_first, const HttpLimits& limits,
           BandwidthLimit* bandwidth, Connection& connection);

  Task<void> run();

  // Then, once:
  SendOutcome<HttpAnswer> result(const Route& route);

  // The connection can be used again. It is closed otherwise.
  bool may_keep_connection() const { return keep_; }
  // The other side closed without a word, as it does with a connection that it no longer wanted.
  bool found_it_dead() const;
  unsigned status() const { return parser_.has_header() ? parser_.status() : 0; }

 private:
  Task<void> read_answer();
  Task<void> send_body();
  Task<void> wait_for_turn(ByteCount bytes);
  Watchdog::Duration waited() const;
  void reader_ends();
  SendFailure no_answer(const Route& route) const;

  const HttpRequest& request_;
  const std::string& head_;
  const bool ask_first_;
  const HttpLimits& limits_;
  BandwidthLimit* const bandwidth_;
  Connection& connection_;
  AnswerParser parser_;
  asio::steady_timer
      may_send_body_;  // cancelled by 100 Continue, by the final answer, by the end of the reader
  asio::steady_timer answer_is_read_;  // cancelled by the end of the reader

  ByteCount bytes_sent_ = 0;
  Watchdog::Duration waited_{};  // for our turn
  std::optional<std::chrono::steady_clock::time_point> waits_since_;
  bool body_is_sent_ = false;
  bool reader_ended_ = false;
  bool keep_ = false;
  error_code read_error_;
  error_code write_error_;
  bool closed_while_writing_ = false;  // write_error_ is our own doing: the answer ended or a deadline passed
  std::optional<SendFailure> failure_;   // found before or beside the HTTP exchange
  std::optional<SendFailure> bad_body_;  // of the answer
};

}  // namespace warmdump::wire
