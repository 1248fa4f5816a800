// Names, addresses, and getting through to one of them.

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <condition_variable>

#include "common/hosted/unique_fd.h"
#include "tests/upload/fault_server.h"
#include "tests/upload/wire_fixture.h"
#include "upload/wire/name_lookup.h"

namespace warmdump {
namespace {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using Addresses = Outcome<std::vector<std::string>>;

// A door that names can be held behind.
class Gate {
 public:
  void open() {
    const std::lock_guard lock(mutex_);
    is_open_ = true;
    changed_.notify_all();
  }
  void wait() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return is_open_; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool is_open_ = false;
};

// A port whose queue is full: nobody answers there, as behind a firewall that drops.
class SilentPort {
 public:
  explicit SilentPort(const char* address, std::uint16_t port)
      : listener_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const int yes = 1;
    setsockopt(listener_.get(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    sockaddr_in where{};
    where.sin_family = AF_INET;
    where.sin_port = htons(port);
    inet_pton(AF_INET, address, &where.sin_addr);
    if (bind(listener_.get(), reinterpret_cast<sockaddr*>(&where), sizeof where) != 0 ||
        listen(listener_.get(), 0) != 0) {
      throw std::runtime_error("cannot listen");
    }
    for (auto& one : waiting_) {
      one = UniqueFd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
      connect(one.get(), reinterpret_cast<sockaddr*>(&where), sizeof where);
    }
  }

 private:
  UniqueFd listener_;
  UniqueFd waiting_[4];
};

void answer_ok(FaultServer::Connection& c, unsigned) {
  c.read_header();
  c.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
}

SendOutcome<HttpAnswer> get(const std::string& address, HttpTransportOptions options) {
  options.with_tls = false;
  if (options.limits.connect > 1s) options.limits = short_limits();
  return make_http_transport(options).value()->exchange(request_to(address));
}

NameResolver always(std::vector<std::string> addresses) {
  return [addresses](const std::string&) -> Addresses { return addresses; };
}

TEST(NameLookup, FamiliesComeInTurn) {
  EXPECT_THAT(in_turn({"::1", "::2", "1.1.1.1", "2.2.2.2", "::3"}),
              ElementsAre("::1", "1.1.1.1", "::2", "2.2.2.2", "::3"));
  EXPECT_THAT(in_turn({"1.1.1.1", "::2"}), ElementsAre("1.1.1.1", "::2"));
  EXPECT_TRUE(in_turn({}).empty());
}

TEST(NameLookup, HangingResolverHoldsNobodyUpAndIsAskedOnce) {
  const auto gate = std::make_shared<Gate>();
  const auto asked = std::make_shared<std::atomic<unsigned>>(0);
  NameLookup lookup([gate, asked](const std::string&) -> Addresses {
    ++*asked;
    gate->wait();
    return std::vector<std::string>{"127.0.0.1"};
  });
  for (int i = 0; i < 3; ++i) {
    const auto found = lookup.find("sink", 20ms);
    ASSERT_FALSE(found.has_value());
    EXPECT_EQ(found.error().code, ErrorCode::timed_out);
    EXPECT_THAT(found.error().message, HasSubstr("cannot find host sink: no answer within 0.02 s"));
  }
  EXPECT_EQ(*asked, 1u);
  gate->open();
  EXPECT_TRUE(lookup.find("sink", 10s).has_value());
}

TEST(NameLookup, LookupThatHangsDoesNotHoldUpTheEndOfItsOwner) {
  const auto gate = std::make_shared<Gate>();
  {
    NameLookup lookup([gate](const std::string&) -> Addresses {
      gate->wait();
      return std::vector<std::string>{};
    });
    EXPECT_FALSE(lookup.find("sink", 1ms).has_value());
  }
  gate->open();
}

TEST(NameLookup, AddressesAreBounded) {
  NameLookup lookup(always(std::vector<std::string>(1000, "127.0.0.1")));
  EXPECT_EQ(lookup.find("sink", 10s)->size(), 16u);
  NameLookup none(always({}));
  EXPECT_EQ(none.find("sink", 10s).error().code, ErrorCode::not_found);
}

TEST(NameLookup, SystemKnowsLocalhost) {
  NameLookup lookup;
  const auto found = lookup.find("localhost", 10s);
  ASSERT_TRUE(found.has_value()) << found.error().message;
  EXPECT_THAT(*found, testing::Contains(testing::AnyOf("127.0.0.1", "::1")));
}

TEST(Dial, NameThatIsNotAnsweredIsTemporary) {
  const auto gate = std::make_shared<Gate>();
  const auto answer = get("http://sink.example", {.resolver = [gate](const std::string&) -> Addresses {
                            gate->wait();
                            return std::vector<std::string>{};
                          }});
  ASSERT_FALSE(answer.has_value());
  EXPECT_EQ(answer.error().remedy, Remedy::wait);
  EXPECT_THAT(answer.error().failure.message,
              HasSubstr("cannot find host sink.example: no answer within 0.4 s"));
  gate->open();
}

TEST(Dial, AddressesAreTriedUntilOneAnswers) {
  const FaultServer server(answer_ok);
  const auto answer = get(fmt::format("http://sink:{}/x", server.port()),
                          {.resolver = always({"::1", "127.9.9.9", "not an address", "127.0.0.1"})});
  EXPECT_EQ(told(answer), "200");
}

TEST(Dial, SilentAddressDoesNotHoldUpTheNext) {
  const FaultServer server(answer_ok);
  const SilentPort silent("127.0.0.2", server.port());
  HttpLimits limits = short_limits();
  limits.connect = 60s;
  HttpTransportOptions options{
      .with_tls = false, .resolver = always({"127.0.0.2", "127.0.0.1"}), .limits = limits};
  const auto start = std::chrono::steady_clock::now();
  const auto answer = make_http_transport(options).value()->exchange(
      request_to(fmt::format("http://sink:{}/x", server.port())));
  EXPECT_EQ(told(answer), "200");
  EXPECT_LT(std::chrono::steady_clock::now() - start, 30s);
}

TEST(Dial, EveryAddressHasItsReason) {
  std::uint16_t port = 0;
  { port = FaultServer(answer_ok).port(); }
  const SilentPort silent("127.0.0.2", port);
  const auto answer =
      get(fmt::format("http://sink:{}/x", port), {.resolver = always({"127.0.0.2", "127.0.0.1"})});
  ASSERT_FALSE(answer.has_value());
  EXPECT_EQ(answer.error().remedy, Remedy::wait);
  EXPECT_THAT(
      answer.error().failure.message,
      AllOf(HasSubstr("cannot connect to"), HasSubstr(fmt::format("127.0.0.1:{}: Connection refused", port)),
            HasSubstr(fmt::format("127.0.0.2:{}: no connection within 0.4 s", port))));
}

TEST(Dial, LinkLocalAddressesAreNoPlaceForADump) {
  for (const char* address : {"169.254.169.254", "fe80::1", "fd00:ec2::254", "::ffff:169.254.1.1"}) {
    const auto by_name = get("http://sink.example", {.resolver = always({address})});
    ASSERT_FALSE(by_name.has_value()) << address;
    EXPECT_EQ(by_name.error().remedy, Remedy::change_sink);
    EXPECT_THAT(by_name.error().failure.message, HasSubstr("link-local"));
  }
  EXPECT_THAT(told(get("http://169.254.169.254/latest", {})), HasSubstr("link-local"));
  EXPECT_THAT(told(get("http://169.254.169.254/latest", {.proxy = "http://127.0.0.1:1"})),
              HasSubstr("link-local"));
}

}  // namespace
}  // namespace warmdump
