// Servers that end, stall or play games while they are sent to.

#include "tests/upload/hostile_server_fixture.h"

namespace warmdump {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using Connection = FaultServer::Connection;

TEST_F(HostileServerTest, BodyIsAskedForAndSentAfterContinue) {
  std::string header;
  const FaultServer server([&](Connection& c, unsigned) {
    header = c.read_header();
    if (c.has_more()) return;
    c.send("HTTP/1.1 102 Processing\r\nX: y\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n");
    if (c.read_bytes(kBodyBytes)) c.send("HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n");
  });
  limits.continue_wait = 10s;
  const auto start = std::chrono::steady_clock::now();
  const auto answer = put(server, kBodyBytes);
  ASSERT_TRUE(answer.has_value()) << answer.error().failure.message;
  EXPECT_EQ(answer->status, 201u);
  EXPECT_LT(std::chrono::steady_clock::now() - start, 5s);
  EXPECT_THAT(header, HasSubstr("Expect: 100-continue\r\n"));
  EXPECT_THAT(header, HasSubstr(fmt::format("Content-Length: {}\r\n", kBodyBytes)));
}

TEST_F(HostileServerTest, BodyIsSentAnywayWhenNobodySaysContinue) {
  const FaultServer server([](Connection& c, unsigned) {
    c.read_header();
    if (c.read_bytes(kBodyBytes)) c.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  });
  const auto answer = put(server, kBodyBytes);
  ASSERT_TRUE(answer.has_value()) << answer.error().failure.message;
  EXPECT_EQ(answer->status, 200u);
}

TEST_F(HostileServerTest, RefusalInsteadOfContinueCostsNoBody) {
  const FaultServer server([](Connection& c, unsigned) {
    c.read_header();
    c.send("HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\nContent-Type: text/plain\r\n\r\nno");
  });
  const auto answer = put(server, kBodyBytes);
  ASSERT_TRUE(answer.has_value()) << answer.error().failure.message;
  EXPECT_EQ(answer->status, 403u);
  EXPECT_EQ(answer->body, "no");
  EXPECT_EQ(sent, 0u);
}

TEST_F(HostileServerTest, AnswerInTheMiddleOfTheBodyIsRead) {
  const FaultServer server([](Connection& c, unsigned) {
    c.read_header();
    c.send("HTTP/1.1 100 Continue\r\n\r\n");
    c.read_bytes(1024 * 1024);
    c.send("HTTP/1.1 413 Payload Too Large\r\nContent-Length: 0\r\n\r\n");
    c.wait(1s);
    c.reset();
  });
  const auto answer = put(server, kBodyBytes);
  ASSERT_TRUE(answer.has_value()) << answer.error().failure.message;
  EXPECT_EQ(answer->status, 413u);
  EXPECT_LT(sent, kBodyBytes);
}

TEST_F(HostileServerTest, SuccessBeforeTheBodyIsNotBelieved) {
  const FaultServer server([](Connection& c, unsigned) {
    c.read_header();
    c.send("HTTP/1.1 100 Continue\r\n\r\n");
    c.read_bytes(1024 * 1024);
    c.send("HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n");
    c.wait(1s);
  });
  expect_failure(put(server, kBodyBytes), Remedy::wait, "before it had the whole file");
}

TEST_F(HostileServerTest, ServerThatStopsReadingIsAStall) {
  const FaultServer server([](Connection& c, unsigned) {
    c.read_header();
    c.send("HTTP/1.1 100 Continue\r\n\r\n");
    c.read_bytes(1024 * 1024);
    c.wait(5s);
  });
  expect_failure(put(server, kBodyBytes), Remedy::wait, "stalled");
}

TEST_F(HostileServerTest, ConnectionLostBeforeAndInTheMiddle) {
  const FaultServer server([](Connection& c, unsigned number) {
    if (number == 0) return;
    c.read_header();
    c.read_bytes(1024 * 1024);
    c.reset();
  });
  expect_failure(put(server, kBodyBytes), Remedy::wait, "after 0 of 16777216 bytes");
  expect_failure(put(server, kBodyBytes), Remedy::wait, "of 16777216 bytes");
}

// The server goes away after any number of bytes of the request, with what it has not read or without.
TEST_F(HostileServerTest, RequestCutAtEveryByteIsNeverASuccess) {
  constexpr std::size_t kBody = 10;  // behind a head of 67 bytes
  std::size_t length = 0;
  const FaultServer server([&](Connection& c, unsigned number) {
    if (length > 0) c.read_bytes(length);
    if (number % 2 == 0) c.reset();
  });
  for (; length < 77; ++length) {
    const auto answer = put(server, kBody);
    ASSERT_FALSE(answer.has_value()) << length;
    EXPECT_EQ(answer.error().remedy, Remedy::wait) << answer.error().failure.message;
  }
}

TEST_F(HostileServerTest, BodyCutInEveryRangeIsNeverASuccess) {
  std::size_t range = 0;
  const FaultServer server([&](Connection& c, unsigned number) {
    c.read_header();
    c.send("HTTP/1.1 100 Continue\r\n\r\n");
    c.read_bytes(range * (kBodyBytes / 16));
    if (number % 2 == 0) c.reset();
  });
  for (; range < 16; ++range) {
    const auto answer = put(server, kBodyBytes);
    ASSERT_FALSE(answer.has_value()) << range;
    EXPECT_EQ(answer.error().remedy, Remedy::wait) << answer.error().failure.message;
  }
}

// "Continue" late, twice, after the body, with a length, or in place of an answer.
TEST_F(HostileServerTest, GamesWithContinue) {
  const std::string go_on = "HTTP/1.1 100 Continue\r\n\r\n";
  const std::string created = "HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n";
  const struct {
    std::string before;
    std::string after;
    bool is_success;
  } cases[] = {
      {"", go_on + created, true},
      {go_on, go_on + go_on + created, true},
      {"HTTP/1.1 103 Early Hints\r\nLink: <x>\r\n\r\n", created, true},
      {"HTTP/1.1 100 Continue\r\nContent-Length: 500\r\n\r\n", created, true},
      {"HTTP/1.1 100 Continue\r\nTransfer-Encoding: chunked\r\n\r\n", created, true},
      {go_on, go_on, false},
      {"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n", created, false},
      {"HTTP/1.1 1000 Continue\r\n\r\n", created, false},
  };
  for (const auto& one : cases) {
    const FaultServer server([&](Connection& c, unsigned) {
      c.read_header();
      c.send(one.before);
      if (!c.read_bytes(2 * kMiB)) return;
      c.send(one.after);
      c.wait(one.is_success ? 0ms : 1s);
    });
    const auto answer = put(server, 2 * kMiB);
    EXPECT_EQ(answer.has_value(), one.is_success) << one.before << one.after;
    if (answer.has_value()) {
      EXPECT_EQ(answer->status, 201u);
    }
  }
}

TEST_F(HostileServerTest, SilentTlsServerIsCutOff) {
  const FaultServer server([](Connection& c, unsigned) { c.wait(5s); });
  expect_failure(put(server, 10, "https"), Remedy::wait, "no TLS handshake within 0.4 s");
}

TEST_F(HostileServerTest, HttpServerBehindHttpsIsPermanent) {
  const FaultServer server([](Connection& c, unsigned) { c.send("HTTP/1.1 400 Bad Request\r\n\r\n"); });
  expect_failure(put(server, 10, "https"), Remedy::change_sink, "TLS handshake");
}

}  // namespace
}  // namespace warmdump
