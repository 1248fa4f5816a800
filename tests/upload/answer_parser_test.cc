// Answers in every state of damage, without a socket.

#include "upload/wire/answer_parser.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

namespace warmdump {
namespace {

using testing::HasSubstr;
using testing::Pair;

const std::string kTypical =
    "HTTP/1.1 100 Continue\r\n\r\n"
    "HTTP/1.1 200 OK\r\nETag: \"abc\"\r\nx-amz-request-id: 1\r\nContent-Length: 5\r\n\r\nhello";
const std::string kChunked =
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2;ext=1\r\nlo\r\n0\r\nTrailer: "
    "x\r\n\r\n";

std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text));
}

// Gives the text in pieces; empty when all was taken, else the failure's message.
std::string feed(AnswerParser& parser, std::string_view text, std::size_t piece = 1 << 20) {
  while (!text.empty()) {
    const auto part = text.substr(0, piece);
    const auto taken = parser.put(bytes_of(part));
    if (!taken.has_value()) return taken.error().failure.message;
    text.remove_prefix(part.size());
  }
  return "";
}

TEST(AnswerParser, ReadsAnAnswerInPiecesOfAnySize) {
  for (const auto& text : {kTypical, kChunked}) {
    for (std::size_t piece = 1; piece <= text.size(); ++piece) {
      AnswerParser parser(HttpLimits{}, false);
      ASSERT_EQ(feed(parser, text, piece), "") << piece;
      ASSERT_TRUE(parser.is_done()) << piece;
      EXPECT_TRUE(parser.may_keep_connection());
      const HttpAnswer answer = parser.take();
      EXPECT_EQ(answer.status, 200u);
      EXPECT_EQ(answer.body, "hello");
      EXPECT_FALSE(answer.body_is_cut);
    }
  }
  AnswerParser parser(HttpLimits{}, false);
  feed(parser, kTypical);
  EXPECT_EQ(parser.interim(), 1u);
  EXPECT_TRUE(parser.says_continue());
  EXPECT_THAT(parser.take().headers, testing::Contains(Pair("etag", "\"abc\"")));
}

TEST(AnswerParser, CutAtEveryByteIsNeverDone) {
  for (const auto& text : {kTypical, kChunked}) {
    for (std::size_t length = 0; length < text.size(); ++length) {
      for (const bool properly : {false, true}) {
        AnswerParser parser(HttpLimits{}, false);
        ASSERT_EQ(feed(parser, text.substr(0, length)), "") << length;
        parser.end(properly);
        EXPECT_FALSE(parser.is_done()) << length;
        EXPECT_FALSE(parser.may_keep_connection());
        if (parser.has_header()) {
          EXPECT_TRUE(parser.take().body_is_cut);
        }
      }
    }
  }
}

TEST(AnswerParser, BodyThatEndsWithTheConnectionNeedsAProperEnd) {
  for (const bool properly : {false, true}) {
    AnswerParser parser(HttpLimits{}, false);
    feed(parser, "HTTP/1.0 200 OK\r\n\r\nhello");
    EXPECT_FALSE(parser.is_done());
    parser.end(properly);
    EXPECT_EQ(parser.is_done(), properly);
    EXPECT_FALSE(parser.may_keep_connection());
    EXPECT_EQ(parser.take().body, "hello");
  }
}

TEST(AnswerParser, LiesAboutTheLengthAreRefused) {
  const char* const fields[] = {
      "Content-Length: 5\r\nContent-Length: 6\r\n",
      "Content-Length: -1\r\n",
      "Content-Length: +5\r\n",
      "Content-Length: 0x5\r\n",
      "Content-Length: 5 5\r\n",
      "Content-Length: \r\n",
      "Content-Length: 99999999999999999999999\r\n",
      "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
      "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
  };
  for (const char* field : fields) {
    AnswerParser parser(HttpLimits{}, false);
    const std::string problem = feed(parser, fmt::format("HTTP/1.1 200 OK\r\n{}\r\nhello", field));
    EXPECT_THAT(problem, HasSubstr("not HTTP")) << field;
  }
}

TEST(AnswerParser, LyingChunksAreRefused) {
  for (const char* chunk : {"-1\r\n", "x\r\n", "\r\n", "11111111111111111\r\n", "3\r\nhelXX", "3\nhel\n",
                            "3 3\r\n", "0x3\r\nhel\r\n"}) {
    AnswerParser parser(HttpLimits{}, false);
    feed(parser, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    ASSERT_TRUE(parser.has_header());
    const std::string problem = feed(parser, chunk);
    parser.end(true);
    EXPECT_FALSE(problem.empty() && parser.is_done()) << chunk;
  }
}

TEST(AnswerParser, HugeLengthsTakeNoMemory) {
  for (const char* text :
       {"HTTP/1.1 500 Oops\r\nContent-Length: 18446744073709551615\r\n\r\nshort",
        "HTTP/1.1 500 Oops\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffff\r\nshort"}) {
    AnswerParser parser(HttpLimits{}, false);
    EXPECT_EQ(feed(parser, text), "");
    EXPECT_FALSE(parser.is_done());
    const HttpAnswer answer = parser.take();
    EXPECT_EQ(answer.body, "short");
    EXPECT_TRUE(answer.body_is_cut);
  }
}

TEST(AnswerParser, BodyIsCutAtTheLimitExactly) {
  HttpLimits limits;
  limits.answer_body_bytes = 1000;
  for (const std::size_t size : {999u, 1000u, 1001u, 500'000u}) {
    AnswerParser parser(limits, false);
    feed(parser,
         fmt::format("HTTP/1.1 500 Oops\r\nContent-Length: {}\r\n\r\n{}", size, std::string(size, 'x')));
    ASSERT_TRUE(parser.is_done());
    EXPECT_EQ(parser.may_keep_connection(), size <= 1000);
    const HttpAnswer answer = parser.take();
    EXPECT_EQ(answer.body.size(), std::min<std::size_t>(size, 1000));
    EXPECT_EQ(answer.body_is_cut, size > 1000);
  }
}

TEST(AnswerParser, OneByteChunksCostNoMoreThanTheirBytes) {
  std::string text = "HTTP/1.1 500 Oops\r\nTransfer-Encoding: chunked\r\n\r\n";
  for (int i = 0; i < 200'000; ++i) text += "1\r\nx\r\n";
  AnswerParser parser(HttpLimits{}, false);
  EXPECT_EQ(feed(parser, text, 16 * 1024), "");
  EXPECT_EQ(parser.take().body.size(), 200'000u);
}

TEST(AnswerParser, CompressedBombsStayPacked) {
  AnswerParser parser(HttpLimits{}, false);
  const std::string bomb(100, '\x1f');
  feed(parser, "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 100\r\n\r\n" + bomb);
  EXPECT_EQ(parser.take().body, bomb);
}

TEST(AnswerParser, HeadersAreBounded) {
  const std::string line = "X-Header: more and more\r\n";
  std::string lines;
  while (lines.size() < 17 * 1024) lines += line;
  for (const auto& text :
       {"HTTP/1.1 200 OK\r\n" + lines, "HTTP/1.1 200 OK\r\nX: " + std::string(17 * 1024, 'x'),
        "HTTP/1.1 200 " + std::string(17 * 1024, 'x'),
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;" + std::string(17 * 1024, 'x')}) {
    for (const std::size_t piece : {std::size_t{1000}, std::size_t{1} << 20}) {
      AnswerParser parser(HttpLimits{}, false);
      EXPECT_NE(feed(parser, text, piece), "") << text.substr(0, 20);
    }
  }
}

TEST(AnswerParser, InterimAnswersAreBoundedAndDoNotCountAsTheAnswer) {
  AnswerParser parser(HttpLimits{}, false);
  std::string problem;
  for (int i = 0; i < 21 && problem.empty(); ++i)
    problem = feed(parser, "HTTP/1.1 102 Processing\r\nA: b\r\n\r\n");
  EXPECT_THAT(problem, HasSubstr("1xx answers without end"));
  EXPECT_FALSE(parser.has_header());
  EXPECT_FALSE(parser.says_continue());
  AnswerParser other(HttpLimits{}, false);
  EXPECT_THAT(feed(other, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\n"),
              HasSubstr("another protocol"));
}

TEST(AnswerParser, BytesBehindTheAnswerAreNotAnother) {
  AnswerParser parser(HttpLimits{}, false);
  EXPECT_EQ(feed(parser, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\nHTTP/1.1 200 OK\r\n\r\n"), "");
  EXPECT_TRUE(parser.is_done());
  EXPECT_TRUE(parser.has_rest());
  EXPECT_FALSE(parser.may_keep_connection());
}

TEST(AnswerParser, AnswersWithoutABodyAreDoneAtOnce) {
  for (const char* text :
       {"HTTP/1.1 204 No Content\r\n\r\n", "HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n"}) {
    AnswerParser parser(HttpLimits{}, false);
    EXPECT_EQ(feed(parser, text), "");
    EXPECT_TRUE(parser.is_done()) << text;
  }
  AnswerParser head(HttpLimits{}, true);
  EXPECT_EQ(feed(head, "HTTP/1.1 200 OK\r\nContent-Length: 12345\r\n\r\n"), "");
  EXPECT_TRUE(head.is_done());
  EXPECT_TRUE(head.may_keep_connection());
  EXPECT_EQ(head.take().header("content-length"), "12345");
}

TEST(AnswerParser, OtherProtocolsAreRefused) {
  for (const char* text : {"SSH-2.0-OpenSSH_9.2p1 Debian\r\n\r\n", "HTTP/2 200\r\n\r\n", "ICY 200 OK\r\n\r\n",
                           "\x15\x03\x03\x02\x28", "HTTP/1.1 99 Low\r\n\r\n", "HTTP/1.1 2000 High\r\n\r\n"}) {
    AnswerParser parser(HttpLimits{}, false);
    const std::string problem = feed(parser, text);
    EXPECT_TRUE(!problem.empty() || !parser.has_header()) << text;
  }
}

}  // namespace
}  // namespace warmdump
