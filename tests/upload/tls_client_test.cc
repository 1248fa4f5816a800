// Files of TLS, and servers that are wrong in their TLS.

#include "upload/wire/tls_client.h"

#include <filesystem>

#include "tests/servers/test_certificates.h"
#include "tests/upload/dump_fixture.h"
#include "tests/upload/tls_session.h"
#include "tests/upload/wire_fixture.h"

namespace warmdump {
namespace {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::AnyOf;
using testing::HasSubstr;
using Connection = FaultServer::Connection;
namespace fs = std::filesystem;

class TlsClientTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!TestCertificates::missing().empty()) GTEST_SKIP() << "NOT TESTED: " << TestCertificates::missing();
    made.make_authority("ca");
    made.make_authority("client-ca");
    made.issue("ca", "server", "DNS:localhost,IP:127.0.0.1");
    made.issue("client-ca", "client", "");
    made.issue("client-ca", "client2", "");
    fs::create_directory(empty());
  }

  fs::path empty() const { return directory / "empty"; }
  TlsClientOptions as_client() const {
    return {made.certificate("ca"), made.certificate("client"), made.key("client")};
  }
  TlsSession::Options as_server() const { return {made.certificate("server"), made.key("server")}; }

  static std::string problem(const TlsClientOptions& options) {
    const auto context = make_tls_client_context(options);
    return context.has_value() ? "" : context.error().message;
  }

  SendOutcome<HttpAnswer> get(const FaultServer& server, const HttpTransportOptions& options) {
    HttpTransportOptions complete = options;
    if (complete.ca_file.empty()) complete.ca_file = made.certificate("ca");
    complete.limits = short_limits();
    complete.limits.tls = complete.limits.answer = 5s;  // a busy machine is not what is tested
    return make_http_transport(complete).value()->exchange(
        request_to(fmt::format("https://localhost:{}/x", server.port())));
  }

  test::TemporaryDirectory directory;
  TestCertificates made{directory.path()};
};

TEST_F(TlsClientTest, StoreWithoutRootsIsAnErrorAtOnce) {
  TlsClientOptions options;
  options.system = {{directory / "absent.pem"}, empty()};
  EXPECT_THAT(problem(options), HasSubstr("no root certificates"));
  write_file(directory / "nothing.pem", "# none\n");
  options.system = {{directory / "nothing.pem"}, empty()};
  EXPECT_THAT(problem(options), HasSubstr("no root certificates"));
  write_file(empty() / "README", "no certificate\n");
  EXPECT_THAT(problem(options), HasSubstr("no root certificates"));
  options.ca_file = directory / "nothing.pem";
  EXPECT_THAT(problem(options), HasSubstr("holds no usable PEM certificate"));
  options.ca_file = empty();
  EXPECT_NE(problem(options), "");

  options = {};
  options.system = {{directory / "nothing.pem", made.certificate("ca")}, empty()};
  EXPECT_EQ(problem(options), "");
  fs::copy(made.certificate("ca"), empty() / "0123abcd.0");
  options.system = {{}, empty()};
  EXPECT_EQ(problem(options), "");
}

TEST_F(TlsClientTest, KeyOfAClientIsPrivateAndItsOwn) {
  EXPECT_EQ(problem(as_client()), "");
  TlsClientOptions options = as_client();
  options.client_key_file = made.key("client2");
  EXPECT_THAT(problem(options), HasSubstr("does not belong to certificate"));
  options.client_key_file = "";
  EXPECT_THAT(problem(options), HasSubstr("need each other"));
  options.client_key_file = directory / "absent";
  EXPECT_THAT(problem(options), HasSubstr("No such file"));
  options.client_key_file = made.certificate("client");
  fs::permissions(made.certificate("client"), fs::perms::owner_read);
  EXPECT_THAT(problem(options), HasSubstr("no PEM key"));
  fs::create_symlink(made.key("client"), directory / "link");
  options.client_key_file = directory / "link";
  EXPECT_THAT(problem(options), HasSubstr("is a symbolic link"));
  options = as_client();
  for (const auto right : {fs::perms::group_read, fs::perms::others_read, fs::perms::group_write}) {
    fs::permissions(made.key("client"), fs::perms::owner_read | right);
    EXPECT_THAT(problem(options), HasSubstr("chmod 0600")) << static_cast<unsigned>(right);
  }
}

TEST_F(TlsClientTest, EncryptedKeyIsRefusedAndNobodyIsAsked) {
  const std::string locked = directory / "locked.key";
  ASSERT_EQ(std::system(fmt::format("openssl ec -in '{}' -aes128 -passout pass:x -out '{}' 2>/dev/null",
                                    made.key("client").string(), locked)
                            .c_str()),
            0);
  fs::permissions(locked, fs::perms::owner_read);
  TlsClientOptions options = as_client();
  options.client_key_file = locked;
  EXPECT_THAT(problem(options), HasSubstr("without a password"));
}

TEST_F(TlsClientTest, RenewedCertificateIsUsedFromTheNextConnectionOn) {
  auto contexts = TlsContexts::make(as_client());
  ASSERT_TRUE(contexts.has_value()) << contexts.error().message;
  const SslContext first = (*contexts)->current();
  EXPECT_EQ((*contexts)->current().get(), first.get());
  // The certificate is there before its key: the old pair is used until the new one is whole.
  fs::rename(made.certificate("client2"), made.certificate("client"));
  EXPECT_EQ((*contexts)->current().get(), first.get());
  fs::rename(made.key("client2"), made.key("client"));
  const SslContext second = (*contexts)->current();
  EXPECT_NE(second.get(), first.get());
  EXPECT_EQ((*contexts)->current().get(), second.get());
  fs::remove(made.key("client"));
  EXPECT_EQ((*contexts)->current().get(), second.get());
}

TEST_F(TlsClientTest, AnswerWithALengthNeedsNoGoodbye) {
  const FaultServer server([&](Connection& c, unsigned) {
    TlsSession tls(c, as_server());
    tls.read_header();
    tls.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
  });
  const auto answer = get(server, {});
  ASSERT_TRUE(answer.has_value()) << answer.error().failure.message;
  EXPECT_EQ(answer->body, "ok");
  EXPECT_FALSE(answer->body_is_cut);
}

TEST_F(TlsClientTest, AnswerThatEndsWithTheConnectionNeedsAGoodbye) {
  const FaultServer server([&](Connection& c, unsigned number) {
    TlsSession tls(c, as_server());
    tls.read_header();
    tls.send("HTTP/1.1 200 OK\r\n\r\nwho knows whether this is al");
    if (number == 1) tls.say_goodbye();
  });
  const auto cut = get(server, {});
  ASSERT_FALSE(cut.has_value());
  EXPECT_EQ(cut.error().remedy, Remedy::wait);
  EXPECT_THAT(cut.error().failure.message, HasSubstr("cut off"));
  EXPECT_EQ(told(get(server, {})), "200");
}

TEST_F(TlsClientTest, AnswerCutAtEveryByteIsNeverASuccess) {
  const std::string whole = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
  std::size_t length = 0;
  const FaultServer server([&](Connection& c, unsigned) {
    TlsSession tls(c, as_server());
    tls.read_header();
    tls.send(whole.substr(0, length));
    if (length % 2 == 0) tls.say_goodbye();
  });
  for (; length < whole.size(); ++length) {
    const auto answer = get(server, {});
    ASSERT_FALSE(answer.has_value()) << length;
    EXPECT_EQ(answer.error().remedy, Remedy::wait) << answer.error().failure.message;
  }
  EXPECT_EQ(told(get(server, {})), "200");
}

TEST_F(TlsClientTest, ClientCertificateIsShownToWhoAsks) {
  TlsSession::Options options = as_server();
  options.client_ca = made.certificate("client-ca");
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    options.version_most = version;
    const FaultServer server([&](Connection& c, unsigned) {
      TlsSession tls(c, options);
      if (!tls.read_header().empty()) tls.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
      if (!tls.is_up()) c.wait(100ms);  // an end with bytes unread is a reset, which may overtake the alert
    });
    const HttpTransportOptions with{.client_certificate_file = made.certificate("client"),
                                    .client_key_file = made.key("client")};
    EXPECT_EQ(told(get(server, with)), "200");
    const auto without = get(server, {});
    ASSERT_FALSE(without.has_value());
    EXPECT_EQ(without.error().remedy, Remedy::change_sink) << without.error().failure.message;
    EXPECT_THAT(without.error().failure.message, HasSubstr("want a client certificate, and none is set"));
  }
}

TEST_F(TlsClientTest, CertificateThatTheServerDoesNotKnowIsNamed) {
  TlsSession::Options options = as_server();
  options.client_ca = made.certificate("ca");
  const FaultServer server([&](Connection& c, unsigned) {
    TlsSession tls(c, options);
    c.wait(100ms);
  });
  const auto answer = get(
      server, {.client_certificate_file = made.certificate("client"), .client_key_file = made.key("client")});
  ASSERT_FALSE(answer.has_value());
  EXPECT_EQ(answer.error().remedy, Remedy::change_sink);
  EXPECT_THAT(answer.error().failure.message, HasSubstr("refuses this client's certificate"));
}

TEST_F(TlsClientTest, OldTlsIsRefused) {
  TlsSession::Options options = as_server();
  options.version_most = TLS1_1_VERSION;
  const FaultServer server([&](Connection& c, unsigned) {
    TlsSession tls(c, options);
    EXPECT_FALSE(tls.is_up());
  });
  const auto answer = get(server, {});
  ASSERT_FALSE(answer.has_value());
  EXPECT_EQ(answer.error().remedy, Remedy::change_sink);
  EXPECT_THAT(answer.error().failure.message, HasSubstr("TLS handshake"));
}

TEST_F(TlsClientTest, GarbageAlertsAndResetsInTheHandshake) {
  const struct {
    std::string bytes;
    bool is_reset;
    Remedy remedy;
  } cases[] = {
      {std::string(1000, '\xff'), false, Remedy::change_sink},
      {std::string("\x15\x03\x03\x00\x02\x02\x28", 7), false, Remedy::change_sink},  // handshake_failure
      {std::string("\x15\x03\x03\x00\x02\x02\x50", 7), false, Remedy::wait},         // internal_error
      {std::string("\x16\x03\x03\xff\xff", 5) + std::string(70'000, 'x'), false, Remedy::change_sink},
      {std::string("\x16\x03\x03\x00\x7a\x02", 6), false, Remedy::wait},  // and no more
      {"", false, Remedy::wait},
      {"", true, Remedy::wait},
  };
  for (const auto& one : cases) {
    const FaultServer server([&](Connection& c, unsigned) {
      c.has_more();
      c.send(one.bytes);
      if (one.is_reset) return c.reset();
      c.read_bytes(1);
      while (c.has_more() && c.read_bytes(1)) {
      }
    });
    const auto answer = get(server, {});
    ASSERT_FALSE(answer.has_value());
    EXPECT_EQ(answer.error().remedy, one.remedy) << answer.error().failure.message;
  }
}

}  // namespace
}  // namespace warmdump
