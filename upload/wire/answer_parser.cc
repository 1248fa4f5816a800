#include "upload/wire/answer_parser.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/beast/core/buffers_prefix.hpp>
#include <boost/beast/core/buffers_to_string.hpp>
#include <boost/beast/http/dynamic_body.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/parser.hpp>
#include <limits>
#include <vector>

#include "common/hosted/ascii.h"

namespace warmdump {
namespace {

namespace http = boost::beast::http;
// Not string_body, which reserves whatever Content-Length says.
using Parser = http::response_parser<http::dynamic_body>;

SendFailure refused(std::string message) {
  return {Failure(ErrorCode::refused, std::move(message)), Remedy::change_sink};
}

}  // namespace

struct AnswerParser::State {
  State(const HttpLimits& the_limits, bool no_body) : limits(the_limits), has_no_body(no_body) { begin(); }

  void begin() {
    parser.emplace();
    parser->header_limit(limits.answer_header_bytes);
    // The limit of the parser would turn an answer that announces a huge body into none at all. Not
    // boost::none: 1.74 takes that for zero.
    parser->body_limit(std::numeric_limits<std::uint64_t>::max());
    parser->skip(has_no_body);
  }

  bool is_done() const { return has_header && (parser->is_done() || is_over_limit); }

  const HttpLimits limits;
  const bool has_no_body;
  std::optional<Parser> parser;
  std::vector<std::byte> pending;  // came, but is no whole header or chunk header yet
  bool has_bytes = false;
  unsigned interim = 0;
  bool says_continue = false;
  bool has_header = false;
  bool is_over_limit = false;
};

namespace {

// Takes what it can of state.pending and says how much that is.
SendOutcome<void> parse(AnswerParser::State& s, std::size_t& taken) {
  while (taken < s.pending.size() && !s.is_done()) {
    boost::system::error_code error;
    const std::size_t rest = s.pending.size() - taken;
    taken += s.parser->put(boost::asio::buffer(s.pending.data() + taken, rest), error);
    if (error == http::error::need_more) {
      // What of a header or of a chunk's header is not whole yet stays here, and grows.
      if (s.pending.size() - taken <= s.limits.answer_header_bytes) return {};
      error = http::error::header_limit;
    }
    if (error == http::error::header_limit) {
      return refused(fmt::format("the header of the server's answer is larger than {} bytes",
                                 s.limits.answer_header_bytes));
    }
    if (error) return refused("the server's answer is not HTTP: " + error.message());
    if (!s.has_header && s.parser->is_header_done()) {
      const unsigned status = s.parser->get().result_int();
      if (status == 101) return refused("the server changes to another protocol that nobody asked for");
      if (status < 200) {
        if (++s.interim > s.limits.interim_answers)
          return refused("the server sends 1xx answers without end");
        s.says_continue = s.says_continue || status == 100;
        s.begin();
        continue;
      }
      s.has_header = true;
    }
    s.is_over_limit = s.has_header && s.parser->get().body().size() > s.limits.answer_body_bytes;
  }
  return {};
}

}  // namespace

AnswerParser::AnswerParser(const HttpLimits& limits, bool has_no_body)
    : state_(std::make_unique<State>(limits, has_no_body)) {}
AnswerParser::AnswerParser(AnswerParser&&) noexcept = default;
AnswerParser::~AnswerParser() = default;

SendOutcome<void> AnswerParser::put(std::span<const std::byte> bytes) {
  State& s = *state_;
  s.has_bytes = s.has_bytes || !bytes.empty();
  s.pending.insert(s.pending.end(), bytes.begin(), bytes.end());
  std::size_t taken = 0;
  auto outcome = parse(s, taken);
  s.pending.erase(s.pending.begin(), s.pending.begin() + static_cast<std::ptrdiff_t>(taken));
  return outcome;
}

void AnswerParser::end(bool closed_properly) {
  State& s = *state_;
  if (!s.has_header || is_done() || !closed_properly || !s.parser->need_eof()) return;
  boost::system::error_code ignored;
  s.parser->put_eof(ignored);
}

bool AnswerParser::has_bytes() const {
  return state_->has_bytes;
}
unsigned AnswerParser::interim() const {
  return state_->interim;
}
bool AnswerParser::says_continue() const {
  return state_->says_continue;
}
bool AnswerParser::has_header() const {
  return state_->has_header;
}
unsigned AnswerParser::status() const {
  return state_->parser->get().result_int();
}
bool AnswerParser::is_done() const {
  return state_->is_done();
}
bool AnswerParser::is_cut_by_limit() const {
  return state_->is_over_limit;
}
bool AnswerParser::has_rest() const {
  return is_done() && !state_->pending.empty();
}
bool AnswerParser::may_keep_connection() const {
  const State& s = *state_;
  return s.has_header && s.parser->is_done() && !s.is_over_limit && s.pending.empty() &&
         s.parser->keep_alive();
}

HttpAnswer AnswerParser::take() {
  State& s = *state_;
  HttpAnswer answer;
  answer.status = status();
  answer.body_is_cut = !s.parser->is_done() || s.is_over_limit;
  auto message = s.parser->release();
  answer.reason = std::string(message.reason());
  for (const auto& field : message) {
    const auto name = field.name_string();
    answer.headers.emplace_back(lower_case({name.data(), name.size()}), std::string(field.value()));
  }
  answer.body = boost::beast::buffers_to_string(
      boost::beast::buffers_prefix(s.limits.answer_body_bytes, message.body().data()));
  return answer;
}

}  // namespace warmdump
