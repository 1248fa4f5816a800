// Connections that are kept between requests, and what a server can do with them.

#include "tests/upload/fault_server.h"
#include "tests/upload/wire_fixture.h"

namespace warmdump {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using Connection = FaultServer::Connection;

constexpr const char* kOk = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

class ConnectionReuseTest : public testing::Test {
 protected:
  ConnectionReuseTest() { restart(); }
  void restart() {
    transport = std::move(make_http_transport({.with_tls = false, .limits = limits}).value());
  }

  std::string send(const FaultServer& server, const std::string& method = "GET", std::size_t body_bytes = 0) {
    HttpRequest request = request_to(on_loopback(server.port()), method);
    const TextSource body(std::string(body_bytes, 'x'));
    if (body_bytes > 0) request.body = &body;
    request.body_bytes = body_bytes;
    return told(transport->exchange(request));
  }

  HttpLimits limits = short_limits();
  std::unique_ptr<HttpTransport> transport;
};

// One answer to each request of a connection, as often as asked.
void serve_all(Connection& c, unsigned) {
  for (;;) {
    const std::string header = c.read_header();
    if (header.empty()) return;
    const auto length = header.find("Content-Length: ");
    if (length != std::string::npos && !c.read_bytes(std::stoul(header.substr(length + 16)))) return;
    if (!c.send(kOk)) return;
  }
}

TEST_F(ConnectionReuseTest, OneConnectionServesManyRequests) {
  const FaultServer server(serve_all);
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(send(server), "200");
    EXPECT_EQ(send(server, "PUT", 300'000), "200");
    EXPECT_EQ(send(server, "POST", 10), "200");
  }
  EXPECT_EQ(server.connections(), 1u);
}

TEST_F(ConnectionReuseTest, ErrorsKeepTheConnectionToo) {
  const FaultServer server([](Connection& c, unsigned) {
    while (!c.read_header().empty()) c.send("HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\nnone");
  });
  EXPECT_EQ(send(server), "404");
  EXPECT_EQ(send(server), "404");
  EXPECT_EQ(server.connections(), 1u);
}

TEST_F(ConnectionReuseTest, ServerThatSaysCloseIsBelieved) {
  const FaultServer server([](Connection& c, unsigned) {
    c.read_header();
    c.send("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok");
    c.wait(2s);
  });
  EXPECT_EQ(send(server), "200");
  EXPECT_EQ(send(server), "no answer within 0.4 s, after 0 of 0 bytes");  // the server has but one thread
}

// Closed while it waited: seen before anything is sent.
TEST_F(ConnectionReuseTest, ConnectionThatWasClosedIsNotUsed) {
  const FaultServer server([](Connection& c, unsigned) {
    c.read_header();
    c.send(kOk);
  });
  for (const char* method : {"GET", "POST", "PATCH", "GET"}) {
    EXPECT_EQ(send(server, method), "200");
    while (server.closed() < server.connections()) std::this_thread::yield();
  }
  EXPECT_EQ(server.connections(), 4u);
}

// Closed when the request is under way, without a byte: the same request goes over a new one, at once.
TEST_F(ConnectionReuseTest, RequestOnADyingConnectionIsSentAgainOnce) {
  std::vector<std::string> seen;
  const FaultServer server([&](Connection& c, unsigned number) {
    seen.push_back(c.read_header().substr(0, 4));
    if (number == 0) {
      c.send(kOk);
      seen.push_back(c.read_header().substr(0, 4));
      return;
    }
    c.read_bytes(200'000);
    c.send(kOk);
  });
  EXPECT_EQ(send(server), "200");
  EXPECT_EQ(send(server, "PUT", 200'000), "200");
  EXPECT_THAT(seen, ElementsAre("GET ", "PUT ", "PUT "));
}

// Nobody knows whether it arrived; who sent it has to find out.
TEST_F(ConnectionReuseTest, RequestThatMustNotArriveTwiceIsNot) {
  std::atomic<unsigned> posts{0};
  const FaultServer server([&](Connection& c, unsigned) {
    c.read_header();
    c.send(kOk);
    if (c.read_header().starts_with("POST")) ++posts;
  });
  EXPECT_EQ(send(server), "200");
  EXPECT_THAT(send(server, "POST", 5), testing::AnyOf(HasSubstr("without an answer"), HasSubstr("broke")));
  EXPECT_EQ(posts, 1u);
  EXPECT_EQ(server.connections(), 1u);
}

TEST_F(ConnectionReuseTest, NewConnectionThatDiesIsAFailure) {
  const FaultServer server([](Connection& c, unsigned) { c.read_header(); });
  EXPECT_THAT(send(server), HasSubstr("without an answer"));
  EXPECT_EQ(server.connections(), 1u);
}

// The second answer was made for whoever asks next: response splitting.
TEST_F(ConnectionReuseTest, AnswersThatNobodyAskedForAreNotTaken) {
  const FaultServer server([](Connection& c, unsigned number) {
    c.read_header();
    c.send(number == 0 ? std::string(kOk) + "HTTP/1.1 666 Evil\r\nContent-Length: 0\r\n\r\n"
                       : std::string(kOk));
    if (number == 0) c.has_more();
  });
  EXPECT_EQ(send(server), "200");
  EXPECT_EQ(send(server), "200");
  EXPECT_EQ(server.connections(), 2u);
}

TEST_F(ConnectionReuseTest, ExpectationThatIsRefusedIsDropped) {
  std::vector<bool> asked;
  const FaultServer server([&](Connection& c, unsigned) {
    asked.push_back(c.read_header().find("Expect: ") != std::string::npos);
    if (asked.back()) {
      c.send("HTTP/1.1 417 Expectation Failed\r\nContent-Length: 0\r\n\r\n");
    } else if (c.read_bytes(2 * kMiB)) {
      c.send(kOk);
    }
  });
  EXPECT_EQ(send(server, "PUT", 2 * kMiB), "200");
  EXPECT_THAT(asked, ElementsAre(true, false));
}

TEST_F(ConnectionReuseTest, OldConnectionsAreDropped) {
  limits.idle = 0ms;
  restart();
  const FaultServer server(serve_all);
  EXPECT_EQ(send(server), "200");
  EXPECT_EQ(send(server), "200");
  EXPECT_EQ(server.connections(), 2u);
}

TEST_F(ConnectionReuseTest, ThreadsHaveConnectionsOfTheirOwn) {
  FaultServer first(serve_all);
  FaultServer second(serve_all);
  std::atomic<unsigned> good{0};
  const auto work = [&](const FaultServer& server) {
    for (int i = 0; i < 50; ++i) good += send(server, "PUT", 5'000) == "200" ? 1 : 0;
  };
  std::thread one(work, std::cref(first));
  std::thread other(work, std::cref(second));
  one.join();
  other.join();
  EXPECT_EQ(good, 100u);
  EXPECT_EQ(first.connections() + second.connections(), 2u);
}

TEST_F(ConnectionReuseTest, CappedRequestsWaitForTheirTurn) {
  const FaultServer server(serve_all);
  const auto limit = make_bandwidth_limit(256 * kKiB);
  transport =
      std::move(make_http_transport({.with_tls = false, .bandwidth = limit, .limits = limits}).value());
  const auto start = std::chrono::steady_clock::now();
  EXPECT_EQ(send(server, "PUT", 160 * kKiB), "200");
  // 16 KiB at once, then nine turns of a sixteenth of a second. Only the least is sure on a busy machine.
  EXPECT_GE(std::chrono::steady_clock::now() - start, 9 * 62500us);
}

// Each window is spent waiting for our own turn, which is no fault of the network's.
TEST_F(ConnectionReuseTest, OwnCapIsNoStall) {
  const FaultServer server(serve_all);
  limits.stall_window = 100ms;
  transport = std::move(
      make_http_transport({.with_tls = false, .bandwidth = make_bandwidth_limit(8 * kKiB), .limits = limits})
          .value());
  EXPECT_EQ(send(server, "PUT", 6 * kKiB), "200");
}

}  // namespace
}  // namespace warmdump
