// Requests through a real squid to a real nginx: tunnels, passwords, exceptions; and certificates of clients.

#include <filesystem>
#include <optional>

#include "tests/servers/nginx_server.h"
#include "tests/servers/squid_server.h"
#include "tests/upload/dump_fixture.h"
#include "tests/upload/fault_server.h"
#include "tests/upload/wire_fixture.h"

namespace warmdump {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
namespace fs = std::filesystem;

constexpr std::size_t kBodyBytes = 3 * 1024 * 1024;

class SquidTest : public testing::Test {
 protected:
  void SetUp() override {
    for (const std::string& missing : {NginxServer::missing(), SquidServer::missing()}) {
      if (!missing.empty()) GTEST_SKIP() << "NOT TESTED against a real proxy: " << missing;
    }
    nginx.emplace(temporary.path() / "nginx");
    options.ca_file = nginx->ca_file();
    options.limits.answer = std::chrono::seconds(20);
  }

  void start_squid(SquidOptions squid_options = {}) {
    squid.emplace(temporary.path() / "squid", squid_options);
    options.proxy = squid->address();
  }

  std::string secret(const std::string& text) const {
    const fs::path file = temporary.path() / "proxy-secret";
    fs::remove(file);
    write_file(file, text);
    fs::permissions(file, fs::perms::owner_read);
    return file;
  }

  std::string https(const std::string& path) const {
    return fmt::format("https://localhost:{}{}", nginx->https_port(), path);
  }
  std::string http(const std::string& path) const {
    return fmt::format("http://localhost:{}{}", nginx->http_port(), path);
  }

  SendOutcome<HttpAnswer> put(const std::string& address) {
    auto transport = make_http_transport(options);
    if (!transport.has_value()) return SendFailure(std::move(transport.error()));
    HttpRequest request = request_to(address, "PUT");
    request.body = &body;
    request.body_bytes = kBodyBytes;
    auto first = (*transport)->exchange(request);
    if (!first.has_value()) return first;
    return (*transport)->exchange(request);  // again, over the kept connection
  }
  // To nginx' TLS, as the log has them.
  std::size_t tunnels() const {
    const std::string log = squid->access_log();
    const std::string wanted = fmt::format("CONNECT localhost:{}", nginx->https_port());
    std::size_t count = 0;
    for (auto at = log.find(wanted); at != std::string::npos; at = log.find(wanted, at + 1)) ++count;
    return count;
  }
  bool arrived(const std::string& name) const {
    return fs::exists(nginx->files() / name) && read_file(nginx->files() / name) == body.text();
  }

  test::TemporaryDirectory temporary;
  std::optional<NginxServer> nginx;
  std::optional<SquidServer> squid;
  HttpTransportOptions options;
  const TextSource body{std::string(kBodyBytes, 'x')};
};

TEST_F(SquidTest, HttpsGoesThroughATunnel) {
  start_squid();
  EXPECT_EQ(told(put(https("/dav/a"))), "204");
  EXPECT_TRUE(arrived("a"));
  // Squid logs a tunnel when it ends, as this one did with its transport. Two requests, one tunnel.
  for (int i = 0; i < 500 && tunnels() == 0; ++i) usleep(10'000);
  EXPECT_EQ(tunnels(), 1u) << squid->access_log();
}

TEST_F(SquidTest, HttpGoesAsWholeAddress) {
  start_squid();
  EXPECT_EQ(told(put(http("/dav/a"))), "204");
  EXPECT_TRUE(arrived("a"));
  EXPECT_THAT(squid->access_log(), HasSubstr("PUT " + http("/dav/a")));
}

TEST_F(SquidTest, PasswordOpensIt) {
  start_squid({.wants_password = true});
  options.proxy_credentials_file = secret("device:s3cret\n");
  for (const auto& address : {https("/dav/a"), http("/dav/b")})
    EXPECT_EQ(told(put(address)), "204") << address;
  EXPECT_TRUE(arrived("a"));
  EXPECT_TRUE(arrived("b"));
}

TEST_F(SquidTest, WithoutOrWithAWrongPasswordNobodyCanSend) {
  start_squid({.wants_password = true});
  for (const bool with_wrong : {false, true}) {
    options.proxy_credentials_file = with_wrong ? secret("device:wrong\n") : "";
    for (const auto& address : {https("/dav/a"), http("/dav/a")}) {
      const auto answer = put(address);
      ASSERT_FALSE(answer.has_value());
      EXPECT_EQ(answer.error().remedy, Remedy::change_sink);
      EXPECT_EQ(answer.error().http_status, 407u);
      EXPECT_THAT(answer.error().failure.message,
                  AllOf(HasSubstr(with_wrong ? "refuses our user and password" : "wants user and password"),
                        Not(HasSubstr("wrong\n"))));
    }
  }
  EXPECT_FALSE(fs::exists(nginx->files() / "a"));
}

TEST_F(SquidTest, TlsOfTheProxyCarriesTheTlsOfTheServer) {
  const TestCertificates made = nginx->certificates();
  start_squid({.certificate = made.certificate("server"), .key = made.key("server")});
  for (const auto& address : {https("/dav/a"), http("/dav/b")})
    EXPECT_EQ(told(put(address)), "204") << address;
  EXPECT_TRUE(arrived("a"));
  EXPECT_TRUE(arrived("b"));
  options.ca_file = nginx->other_ca_file();
  EXPECT_THAT(told(put(http("/dav/c"))), HasSubstr("not trusted"));
}

TEST_F(SquidTest, ExceptionsGoDirectly) {
  start_squid();
  options.no_proxy = "localhost";
  EXPECT_EQ(told(put(https("/dav/a"))), "204");
  EXPECT_THAT(squid->access_log(), Not(HasSubstr("localhost")));
}

TEST_F(SquidTest, UnreachableServerBehindItIsTemporary) {
  start_squid();
  const auto address = https("/dav/a");
  nginx->kill();
  const auto answer = put(address);
  ASSERT_FALSE(answer.has_value());
  EXPECT_EQ(answer.error().remedy, Remedy::wait);
  EXPECT_THAT(answer.error().failure.message, AllOf(HasSubstr("cannot reach localhost"), HasSubstr("503")));
}

TEST_F(SquidTest, WrongCertificateIsSeenThroughIt) {
  start_squid();
  options.ca_file = nginx->other_ca_file();
  const auto answer = put(https("/dav/a"));
  ASSERT_FALSE(answer.has_value());
  EXPECT_EQ(answer.error().remedy, Remedy::change_sink);
  EXPECT_THAT(answer.error().failure.message, HasSubstr("not trusted"));
}

TEST_F(SquidTest, ServerKnowsItsClientsByTheirCertificates) {
  const TestCertificates made = nginx->certificates();
  const std::string address = fmt::format("https://localhost:{}/dav/a", nginx->mutual_port());
  EXPECT_EQ(told(put(address)), "400");
  options.client_certificate_file = made.certificate("client");
  options.client_key_file = made.key("client");
  EXPECT_EQ(told(put(address)), "204");
  EXPECT_TRUE(arrived("a"));
  options.client_certificate_file = made.certificate("stranger");
  options.client_key_file = made.key("stranger");
  EXPECT_EQ(told(put(address)), "400");
}

using Connection = FaultServer::Connection;

std::string through(const FaultServer& proxy) {
  HttpTransportOptions options{.proxy = fmt::format("127.0.0.1:{}", proxy.port()), .limits = short_limits()};
  const auto answer = make_http_transport(options).value()->exchange(request_to("https://sink.example/x"));
  EXPECT_FALSE(answer.has_value());
  return told(answer);
}

TEST(LyingProxy, CannotPutWordsBeforeTheTunnel) {
  const FaultServer proxy([](Connection& c, unsigned) {
    c.read_header();
    c.send("HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    c.has_more();
  });
  EXPECT_THAT(through(proxy), HasSubstr("sends what the server cannot have sent yet"));
}

TEST(LyingProxy, IsCutOffWhenItSaysNothingOrTooMuch) {
  const FaultServer silent([](Connection& c, unsigned) {
    c.read_header();
    c.wait(std::chrono::seconds(2));
  });
  EXPECT_THAT(through(silent), HasSubstr("to CONNECT within 0.4 s"));
  const FaultServer endless([](Connection& c, unsigned) {
    c.read_header();
    c.send("HTTP/1.1 200 OK\r\n");
    while (c.send("X: more and more and more and more\r\n")) {
    }
  });
  EXPECT_THAT(through(endless), HasSubstr("larger than 16384 bytes"));
  const FaultServer gone([](Connection& c, unsigned) { c.read_header(); });
  EXPECT_THAT(through(gone), HasSubstr("closed the connection"));
}

}  // namespace
}  // namespace warmdump
