// AnswerParser: bytes of a server become an HttpAnswer. Bytes in, answer out: it knows no socket, so it is
// fuzzed and cut at every byte as it is.

#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>

#include "upload/transfer/send_failure.h"
#include "upload/wire/http_transport.h"

namespace warmdump {

class AnswerParser {
 public:
  // has_no_body: the answer to HEAD, or of a proxy to CONNECT, has none whatever its header says.
  AnswerParser(const HttpLimits& limits, bool has_no_body);
  AnswerParser(AnswerParser&&) noexcept;
  ~AnswerParser();

  // Takes bytes as they come; all of them, until is_done or a failure. A failure is final: no answer can be
  // had, and when has_header is true then only the body is bad.
  SendOutcome<void> put(std::span<const std::byte> bytes);
  // The other side has closed. closed_properly: an end that only it can have made (a plain FIN proves
  // nothing, so for http it is taken on trust). False: a body that ends with the connection counts as cut.
  void end(bool closed_properly);

  bool has_bytes() const;        // anything at all has come
  unsigned interim() const;      // answers 1xx so far
  bool says_continue() const;    // 100 was among them
  bool has_header() const;       // of the final answer
  unsigned status() const;       // of the final answer, once has_header
  bool is_done() const;          // the whole answer is here, or as much as the limit takes
  bool is_cut_by_limit() const;  // the latter
  // Bytes came behind the answer.
  bool has_rest() const;
  // The connection can serve another request: the answer is whole, nothing came behind it, and it says so.
  bool may_keep_connection() const;

  // Once, when has_header. body_is_cut unless the whole body is here.
  HttpAnswer take();

  struct State;

 private:
  std::unique_ptr<State> state_;
};

}  // namespace warmdump
