// Answers that never end, are none, or lie about themselves.

#include "tests/upload/hostile_server_fixture.h"
#include "upload/destination/destination.h"
#include "upload/queue/upload.h"

namespace warmdump {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::Ge;
using Connection = FaultServer::Connection;

TEST_F(HostileServerTest, SlowLorisAnswerIsCutOff) {
  const FaultServer server([](Connection& c, unsigned) {
    c.read_header();
    c.read_bytes(10);
    for (const char byte : std::string("HTTP/1.1 201 Created\r\nX: ") + std::string(1000, 'x')) {
      if (!c.send({&byte, 1}) || !c.wait(30ms)) return;
    }
  });
  const auto start = std::chrono::steady_clock::now();
  expect_failure(put(server, 10), Remedy::wait, "no answer within 0.4 s");
  EXPECT_LT(std::chrono::steady_clock::now() - start, 3s);
}

TEST_F(HostileServerTest, EndlessHeaderIsRefused) {
  const FaultServer server([](Connection& c, unsigned) {
    c.read_header();
    c.send("HTTP/1.1 201 Created\r\n");
    while (c.send("X-Header: more and more and more and more\r\n")) {
    }
  });
  expect_failure(put(server, 10), Remedy::change_sink, "larger than 16384 bytes");
}

TEST_F(HostileServerTest, EndlessHeaderLineIsRefused) {
  const FaultServer server([](Connection& c, unsigned) {
    c.read_header();
    c.send("HTTP/1.1 201 Created\r\nX: ");
    while (c.send(std::string(4096, 'x'))) {
    }
  });
  expect_failure(put(server, 10), Remedy::change_sink, "larger than 16384 bytes");
}

TEST_F(HostileServerTest, EndlessInterimAnswersAreRefused) {
  const FaultServer server([](Connection& c, unsigned) {
    c.read_header();
    while (c.send("HTTP/1.1 100 Continue\r\n\r\n")) {
    }
  });
  expect_failure(put(server, 10), Remedy::change_sink, "1xx answers without end");
}

TEST_F(HostileServerTest, NotHttpIsRefused) {
  const FaultServer server([](Connection& c, unsigned) {
    c.read_header();
    c.read_bytes(10);
    c.send("SSH-2.0-OpenSSH_9.2p1 Debian\r\n\r\n");
    c.wait(1s);
  });
  expect_failure(put(server, 10), Remedy::change_sink, "is not HTTP");
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
    EXPECT_EQ(answer.error().remedy, Remedy::wait) << answer.error().failure.message;
  }
  EXPECT_TRUE(put(server, 10).has_value());
}

TEST_F(HostileServerTest, SlowLorisBodyIsCutOff) {
  for (const char* status : {"200 OK", "500 Oops"}) {
    const FaultServer server([=](Connection& c, unsigned) {
      c.read_header();
      c.read_bytes(10);
      c.send(fmt::format("HTTP/1.1 {}\r\nContent-Length: 1000\r\n\r\n", status));
      while (c.send("x") && c.wait(30ms)) {
      }
    });
    const auto answer = put(server, 10);
    EXPECT_EQ(answer.has_value(), *status == '5');
    if (answer.has_value()) {
      EXPECT_TRUE(answer->body_is_cut);
    }
  }
}

TEST_F(HostileServerTest, SuccessWithALieAboutItsLengthIsNone) {
  for (const char* framing :
       {"Content-Length: 5\r\nContent-Length: 6", "Content-Length: 1000",
        "Content-Length: 5\r\nTransfer-Encoding: chunked", "Transfer-Encoding: chunked"}) {
    const FaultServer server([=](Connection& c, unsigned) {
      c.read_header();
      c.read_bytes(10);
      c.send(fmt::format("HTTP/1.1 200 OK\r\n{}\r\n\r\nhello", framing));
    });
    EXPECT_FALSE(put(server, 10).has_value()) << framing;
  }
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
  EXPECT_EQ(server.connections(), 6u);  // three files, two manifests, one of them twice
}

}  // namespace
}  // namespace warmdump
