// Servers that are slow, lying or hostile, on real sockets with short limits.

#include <fcntl.h>
#include <fmt/format.h>

#include "tests/upload/dump_fixture.h"
#include "tests/upload/fault_server.h"
#include "upload/http_destination.h"
#include "upload/upload.h"

namespace warmdump {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::Ge;
using testing::HasSubstr;
using Connection = FaultServer::Connection;

constexpr std::size_t kBodyBytes = 16 * 1024 * 1024;  // far more than the socket buffers hold

class HostileServerTest : public DumpTest {
 protected:
  HostileServerTest() {
    limits.connect = limits.tls = limits.answer = limits.stall_window = 400ms;
    limits.continue_wait = limits.early_answer = 200ms;
  }

  SendOutcome<HttpAnswer> put(const FaultServer& server, std::size_t bytes,
                              const std::string& scheme = "http") {
    make_vmcore(bytes);
    const auto opened = open_dump_directory(dump);
    const auto vmcore = open_unchanged(*opened, opened->files[1]);
    auto transport = make_http_transport(scheme == "https", "", limits);
    HttpPut request;
    request.url = *parse_url(fmt::format("{}://127.0.0.1:{}/vmcore", scheme, server.port()));
    request.body = &*vmcore;
    request.body_bytes = bytes;
    request.done = [this](ByteCount done) { sent = done; };
    return (*transport)->put(request);
  }

  HttpLimits limits;
  ByteCount sent = 0;
};

void expect_failure(const SendOutcome<HttpAnswer>& result, Outlook outlook, const char* text) {
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error().outlook, outlook) << result.error().failure.message;
  EXPECT_THAT(result.error().failure.message, HasSubstr(text));
}

TEST_F(HostileServerTest, SlowLorisAnswerIsCutOff) {
  const FaultServer server([](Connection& c, unsigned) {
    c.read_header();
    c.read_bytes(10);
    for (const char byte : std::string("HTTP/1.1 201 Created\r\nX: ") + std::string(1000, 'x')) {
      if (!c.send({&byte, 1}) || !c.wait(30ms)) return;
    }
  });
  const auto start = std::chrono::steady_clock::now();
  expect_failure(put(server, 10), Outlook::temporary, "no answer within 0.4 s");
  EXPECT_LT(std::chrono::steady_clock::now() - start, 3s);
}

TEST_F(HostileServerTest, EndlessHeaderIsRefused) {
  const FaultServer server([](Connection& c, unsigned) {
    c.read_header();
    c.send("HTTP/1.1 201 Created\r\n");
    while (c.send("X-Header: more and more and more and more\r\n")) {
    }
  });
  expect_failure(put(server, 10), Outlook::permanent, "larger than 16384 bytes");
}

TEST_F(HostileServerTest, EndlessHeaderLineIsRefused) {
  const FaultServer server([](Connection& c, unsigned) {
    c.read_header();
    c.send("HTTP/1.1 201 Created\r\nX: ");
    while (c.send(std::string(4096, 'x'))) {
    }
  });
  expect_failure(put(server, 10), Outlook::permanent, "larger than 16384 bytes");
}

TEST_F(HostileServerTest, EndlessInterimAnswersAreRefused) {
  const FaultServer server([](Connection& c, unsigned) {
    c.read_header();
    while (c.send("HTTP/1.1 100 Continue\r\n\r\n")) {
    }
  });
  expect_failure(put(server, 10), Outlook::permanent, "1xx answers without end");
}

TEST_F(HostileServerTest, NotHttpIsRefused) {
  const FaultServer server([](Connection& c, unsigned) {
    c.read_header();
    c.read_bytes(10);
    c.send("SSH-2.0-OpenSSH_9.2p1 Debian\r\n\r\n");
    c.wait(1s);
  });
  expect_failure(put(server, 10), Outlook::permanent, "is not HTTP");
}

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
  expect_failure(put(server, kBodyBytes), Outlook::temporary, "before it had the whole file");
}

TEST_F(HostileServerTest, ServerThatStopsReadingIsAStall) {
  const FaultServer server([](Connection& c, unsigned) {
    c.read_header();
    c.send("HTTP/1.1 100 Continue\r\n\r\n");
    c.read_bytes(1024 * 1024);
    c.wait(5s);
  });
  expect_failure(put(server, kBodyBytes), Outlook::temporary, "stalled");
}

TEST_F(HostileServerTest, LyingContentLengthOfAnErrorDoesNotHideIt) {
  for (const char* length : {"1000000", "999999999999999999", "0"}) {
    const FaultServer server([=](Connection& c, unsigned) {
      c.read_header();
      c.read_bytes(10);
      c.send(fmt::format("HTTP/1.1 500 Oops\r\nContent-Length: {}\r\n\r\nshort", length));
    });
    const auto answer = put(server, 10);
    ASSERT_TRUE(answer.has_value()) << length << answer.error().failure.message;
    EXPECT_EQ(answer->status, 500u);
  }
}

TEST_F(HostileServerTest, EndlessErrorPageIsBounded) {
  const FaultServer server([](Connection& c, unsigned) {
    c.read_header();
    c.send("HTTP/1.1 500 Oops\r\nTransfer-Encoding: chunked\r\n\r\n");
    while (c.send("10000\r\n" + std::string(0x10000, 'x') + "\r\n")) {
    }
  });
  const auto answer = put(server, 10);
  ASSERT_TRUE(answer.has_value()) << answer.error().failure.message;
  EXPECT_EQ(answer->status, 500u);
  EXPECT_LE(answer->body.size(), limits.answer_body_bytes + 64 * 1024);
}

TEST_F(HostileServerTest, AnswerCutAtEveryByteIsNeverASuccess) {
  const std::string whole = "HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n";
  std::size_t length = 0;
  const FaultServer server([&](Connection& c, unsigned) {
    c.read_header();
    c.read_bytes(10);
    c.send(whole.substr(0, length));
  });
  for (; length < whole.size(); ++length) {
    const auto answer = put(server, 10);
    ASSERT_FALSE(answer.has_value()) << length;
    EXPECT_EQ(answer.error().outlook, Outlook::temporary) << answer.error().failure.message;
  }
  EXPECT_TRUE(put(server, 10).has_value());
}

TEST_F(HostileServerTest, ConnectionLostBeforeAndInTheMiddle) {
  const FaultServer server([](Connection& c, unsigned number) {
    if (number == 0) return;
    c.read_header();
    c.read_bytes(1024 * 1024);
    c.reset();
  });
  expect_failure(put(server, kBodyBytes), Outlook::temporary, "after 0 of 16777216 bytes");
  expect_failure(put(server, kBodyBytes), Outlook::temporary, "of 16777216 bytes");
}

TEST_F(HostileServerTest, SilentTlsServerIsCutOff) {
  const FaultServer server([](Connection& c, unsigned) { c.wait(5s); });
  expect_failure(put(server, 10, "https"), Outlook::temporary, "no TLS handshake within 0.4 s");
}

TEST_F(HostileServerTest, HttpServerBehindHttpsIsPermanent) {
  const FaultServer server([](Connection& c, unsigned) { c.send("HTTP/1.1 400 Bad Request\r\n\r\n"); });
  expect_failure(put(server, 10, "https"), Outlook::permanent, "TLS handshake");
}

TEST_F(HostileServerTest, RetryAfterIsWaitedFor) {
  const FaultServer server([](Connection& c, unsigned number) {
    const std::string header = c.read_header();
    if (number == 1) {
      c.send("HTTP/1.1 503 Slow Down\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n");
      return;
    }
    const auto length = header.find("Content-Length: ");
    c.read_bytes(std::stoul(header.substr(length + 16)));
    c.send("HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n");
  });
  const auto destination = make_destination(fmt::format("http://127.0.0.1:{}/x", server.port()), {});
  RecordedProgress progress;
  VirtualClock clock;
  const auto report = upload_dump(dump, **destination, {}, progress, clock);
  ASSERT_TRUE(report.has_value()) << report.error().failure.message;
  EXPECT_THAT(clock.waits, ElementsAre(Ge(7s)));
  EXPECT_EQ(server.connections(), 4u);
}

}  // namespace
}  // namespace warmdump
