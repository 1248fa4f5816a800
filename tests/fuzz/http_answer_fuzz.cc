// Answers of a server, as upload reads them: all at once, and again in pieces.
//
//   input: flags (a byte: 1 the answer has no body, 2 the connection was closed properly), size of the pieces
//   (a byte), then what the server sends

#include <algorithm>

#include "tests/fuzz/input_reader.h"
#include "upload/wire/answer_parser.h"

namespace warmdump::fuzz {
namespace {

constexpr ByteCount kBodyLimit = 4096;

struct Read {
  bool failed = false;
  bool has_header = false;
  bool is_done = false;
  bool may_keep = false;
  unsigned interim = 0;
  HttpAnswer answer;
};

Read read(Input bytes, std::size_t piece, bool has_no_body, bool closed_properly) {
  HttpLimits limits;
  limits.answer_body_bytes = kBodyLimit;
  AnswerParser parser(limits, has_no_body);
  Read result;
  while (!bytes.empty() && !result.failed) {
    const Input part = bytes.first(std::min(piece, bytes.size()));
    result.failed = !parser.put(part).has_value();
    bytes = bytes.subspan(part.size());
  }
  if (!result.failed) parser.end(closed_properly);
  result.has_header = parser.has_header();
  result.is_done = parser.is_done();
  result.may_keep = parser.may_keep_connection();
  result.interim = parser.interim();
  expect(!result.is_done || result.has_header, "an answer that is done has a header");
  expect(!result.may_keep || (result.is_done && !parser.has_rest()),
         "a connection is kept after a whole answer");
  expect(parser.interim() <= limits.interim_answers + 1, "interim answers are bounded");
  if (!result.has_header) return result;
  result.answer = parser.take();
  expect(result.answer.status >= 200 && result.answer.status <= 999, "the status is a final one");
  expect(result.answer.body.size() <= kBodyLimit, "the body is bounded");
  expect(!has_no_body || result.answer.body.empty(), "what has no body has none");
  for (const auto& [name, value] : result.answer.headers) {
    expect((name + value).find_first_of("\r\n") == std::string::npos, "a field is one line");
    expect(std::none_of(name.begin(), name.end(), [](char c) { return c >= 'A' && c <= 'Z'; }),
           "names are lower case");
  }
  return result;
}

}  // namespace

void fuzz_one(Input input) {
  InputReader reader(input);
  const auto flags = reader.number<std::uint8_t>();
  const std::size_t piece = reader.number<std::uint8_t>() + std::size_t{1};
  const Input bytes = reader.rest();
  const bool has_no_body = (flags & 1) != 0;
  const bool properly = (flags & 2) != 0;
  const Read whole = read(bytes, std::max<std::size_t>(bytes.size(), 1), has_no_body, properly);
  const Read pieces = read(bytes, piece, has_no_body, properly);
  // Above that a header that is too long is found sooner in pieces.
  if (bytes.size() > HttpLimits{}.answer_header_bytes) return;
  expect(whole.has_header == pieces.has_header && whole.is_done == pieces.is_done &&
             whole.interim == pieces.interim,
         "pieces make no difference for how far it gets");
  if (!whole.has_header || whole.failed || pieces.failed) return;
  expect(whole.answer.status == pieces.answer.status && whole.answer.headers == pieces.answer.headers &&
             whole.answer.body == pieces.answer.body,
         "pieces make no difference for the answer");
}

std::vector<std::vector<std::byte>> seeds() {
  std::vector<std::vector<std::byte>> all;
  for (const std::string_view text :
       {"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nETag: \"abc\"\r\nContent-Length: 5\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: "
        "X\r\n\r\n3;a=\"b\"\r\nhel\r\n2\r\nlo\r\n0\r\nX: y\r\n\r\n",
        "HTTP/1.0 500 Oops\r\nConnection: keep-alive\r\n\r\nuntil the end", "HTTP/1.1 204 No Content\r\n\r\n",
        "HTTP/1.1 301 Moved\r\nLocation: http://elsewhere/\r\n folded\r\nContent-Length: 0\r\n\r\nHTTP/1.1 "
        "200 OK\r\n\r\n",
        "HTTP/1.1 103 Early Hints\r\nLink: <x>\r\n\r\nHTTP/1.1 404 \r\nContent-Length: "
        "99999\r\n\r\n<html>"}) {
    for (std::uint8_t flags = 0; flags < 4; ++flags) {
      InputWriter writer;
      writer.number(flags).number(std::uint8_t{6}).append(std::as_bytes(std::span(text)));
      all.push_back(writer.bytes());
    }
  }
  return all;
}

}  // namespace warmdump::fuzz
