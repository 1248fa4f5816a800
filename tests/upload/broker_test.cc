// Tickets of brokers: what is believed of them, how they are asked for, and that nobody sees them.

#include <fmt/format.h>

#include <csignal>

#include "tests/servers/nginx_server.h"
#include "tests/upload/dump_fixture.h"
#include "tests/upload/scripted_transport.h"
#include "upload/destination/broker_destination.h"
#include "upload/destination/broker_sources.h"
#include "upload/queue/upload.h"

namespace warmdump {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::HasSubstr;
using testing::Not;
using testing::Pair;
using testing::SizeIs;
namespace fs = std::filesystem;

std::string message_of(const std::string& json) {
  const auto ticket = parse_ticket(json);
  return ticket.has_value() ? "accepted" : ticket.error().message;
}

TEST(PutTicket, says_where_and_how) {
  const auto ticket = parse_ticket(
      R"({"url":"https://store:8443/b/k?sig=a%2Fb","headers":{"x-amz-acl":"private"},"expires_in":900,)"
      R"("want":"later","more":[1]})");
  ASSERT_TRUE(ticket.has_value()) << ticket.error().message;
  EXPECT_EQ(ticket->url.text(), "https://store:8443/b/k");
  EXPECT_EQ(ticket->query, "sig=a%2Fb");
  EXPECT_THAT(ticket->headers, testing::ElementsAre(Pair("x-amz-acl", "private")));
  EXPECT_EQ(ticket->expires_in, std::chrono::seconds(900));
  EXPECT_EQ(ticket->want, Destination::Want::later);
  EXPECT_TRUE(parse_ticket(R"({"already_there":true})")->already_there);
  EXPECT_TRUE(parse_ticket(R"({"url":"http://127.0.0.1:1/k"})").has_value());
  EXPECT_TRUE(parse_ticket(R"({"url":"http://[::1]:1/k","headers":null,"expires_in":null})").has_value());
}

TEST(PutTicket, nonsense_is_refused_and_no_address_repeated) {
  for (const char* json : {"",
                           "x",
                           "[]",
                           "{}",
                           "null",
                           R"({"url":7})",
                           R"({"url":""})",
                           R"({"url":"ftp://h/?hunter2"})",
                           R"({"url":"https://u:hunter2@h/"})",
                           R"({"url":"https://h/a b?hunter2"})",
                           R"({"url":"https://h/?hunter2 x"})",
                           R"({"url":"https://h/?hunter2\r\nHost: x"})",
                           R"({"url":"https://h/?hunter2#x"})",
                           R"({"url":"http://store/?hunter2"})",
                           R"({"url":"http://127.evil.example/?hunter2"})",
                           R"({"url":"https://h/","headers":[]})",
                           R"({"url":"https://h/","headers":{"a b":"c"}})",
                           R"({"url":"https://h/","headers":{"a":"b\r\nX: hunter2"}})",
                           R"({"url":"https://h/","headers":{"a":1}})",
                           R"({"url":"https://h/","headers":{"Host":"x"}})",
                           R"({"url":"https://h/","headers":{"content-LENGTH":"1"}})",
                           R"({"url":"https://h/","headers":{"Transfer-Encoding":"chunked"}})",
                           R"({"url":"https://h/","expires_in":0})",
                           R"({"url":"https://h/","expires_in":"1"})",
                           R"({"url":"https://h/","expires_in":1e99})",
                           R"({"already_there":"yes"})"}) {
    EXPECT_THAT(message_of(json), AllOf(HasSubstr("the broker's answer"), Not(HasSubstr("hunter2")))) << json;
  }
  EXPECT_THAT(message_of(std::string(100'000, '[')), HasSubstr("too many levels"));
  EXPECT_THAT(message_of(R"({"url":"https://h/?)" + std::string(17 * 1024, 'x') + "\"}"),
              HasSubstr("too long"));
}

class HelperTest : public testing::Test {
 protected:
  std::string script(const std::string& text) const {
    const fs::path path = temporary.path() / "broker";
    write_file(path, "#!/bin/sh\n" + text + "\n");
    fs::permissions(path, fs::perms::owner_all);
    return path;
  }
  static std::string failure(const std::vector<std::string>& arguments, const HelperLimits& limits = {}) {
    const auto end = run_helper(arguments, "", limits);
    return end.has_value() ? "ended" : end.error().message;
  }
  const test::TemporaryDirectory temporary;
};

TEST_F(HelperTest, gets_its_input_and_is_heard) {
  const auto end = run_helper({script("cat; echo \"$1|$2\"; echo oh >&2; exit 3"), "a b", "$HOME"}, "in\n");
  ASSERT_TRUE(end.has_value()) << end.error().message;
  EXPECT_EQ(end->output, "in\na b|$HOME\n");
  EXPECT_EQ(end->errors, "oh\n");
  EXPECT_EQ(end->exit_code, 3);
}

TEST_F(HelperTest, is_bounded_and_its_group_ends_with_it) {
  HelperLimits limits;
  limits.time = std::chrono::milliseconds(300);
  EXPECT_THAT(failure({script("sleep 1000 & sleep 1000")}, limits), HasSubstr("did not end within 0.3 s"));
  EXPECT_THAT(failure({script("yes")}), HasSubstr("says more than 65536 bytes"));
  EXPECT_THAT(failure({script("kill -9 $$")}), HasSubstr("signal 9"));
  EXPECT_THAT(failure({"/nonexistent/broker"}), HasSubstr("cannot be started: No such file"));
  EXPECT_THAT(failure({"broker"}), HasSubstr("absolute path"));
  // A grandchild that keeps the pipes open does not hold us up, and does not outlive its group.
  const auto end = run_helper({script("sleep 1000 & echo $!")}, "");
  ASSERT_TRUE(end.has_value());
  const pid_t grandchild = std::stoi(end->output);
  bool is_gone = false;
  for (int i = 0; i < 1000 && !is_gone; ++i) {
    // Killed, and a zombie at most until whoever is its parent now reaps it.
    const std::string status = "/proc/" + std::to_string(grandchild) + "/stat";
    is_gone = !fs::exists(status) || read_file(status).find(") Z ") != std::string::npos;
    if (!is_gone) usleep(10'000);
  }
  EXPECT_TRUE(is_gone);
}

class BrokerCommandTest : public HelperTest {
 protected:
  SendFailure ticket_failure(const std::string& text) {
    const auto broker = make_broker_command(script(text));
    const TextSource bytes("x");
    const auto ticket = (*broker)->ticket_for({"lab/a/b", &bytes, 1, "5ha", "text/plain"});
    return ticket.has_value() ? SendFailure() : SendFailure(ticket.error());
  }
};

TEST_F(BrokerCommandTest, failures_say_who_can_help) {
  const auto later = ticket_failure("echo first >&2; echo 'not now https://h/?hunter2' >&2; exit 75");
  EXPECT_EQ(later.remedy, Remedy::wait);
  EXPECT_THAT(later.failure.message, AllOf(HasSubstr("exit code 75: not now https://h/"),
                                           Not(HasSubstr("hunter2")), Not(HasSubstr("first"))));
  EXPECT_EQ(ticket_failure("exit 1").remedy, Remedy::change_sink);
  EXPECT_EQ(ticket_failure("kill -9 $$").remedy, Remedy::wait);
  EXPECT_EQ(ticket_failure("echo hello").remedy, Remedy::change_sink);
}

TEST(BrokerAddress, needs_one_broker_that_can_be_used) {
  const auto message = [](const std::string& address, DestinationOptions options) {
    const auto destination = make_destination(address, options);
    return destination.has_value() ? "accepted as " + (*destination)->name() : destination.error().message;
  };
  EXPECT_THAT(message("broker:", {}), HasSubstr("needs either --broker-url or --broker-command"));
  EXPECT_THAT(message("broker:", {.broker_command = "/bin/true", .broker_url = "https://b"}),
              HasSubstr("needs either"));
  EXPECT_THAT(message("broker:", {.broker_command = "true"}), HasSubstr("absolute path"));
  EXPECT_THAT(message("broker:", {.broker_command = "/nonexistent"}), HasSubstr("No such file"));
  EXPECT_THAT(message("broker:", {.broker_url = "http://broker.example/"}), HasSubstr("must be https"));
  EXPECT_THAT(message("broker:", {.broker_url = "https://u:hunter2@b/"}), Not(HasSubstr("hunter2")));
  EXPECT_THAT(message("broker:a/b", {.broker_command = "/bin/true"}), HasSubstr("name of [A-Za-z0-9._-]"));
  EXPECT_EQ(message("broker:", {.broker_command = "/bin/true -x y"}), "accepted as broker:/bin/true");
  EXPECT_EQ(message("broker:fleet-7", {.broker_url = "http://localhost:1/t"}), "accepted as broker:fleet-7");
}

// A broker and a store in memory.
class BrokerDestinationTest : public testing::Test {
 protected:
  BrokerDestinationTest() {
    auto broker = std::make_unique<ScriptedTransport>(
        asked, [this](const AskedRequest&) -> SendOutcome<HttpAnswer> { return ticket; });
    auto store =
        std::make_unique<ScriptedTransport>(puts, [this](const AskedRequest&) -> SendOutcome<HttpAnswer> {
          if (answers.empty()) return HttpAnswer{200, "OK", {{"etag", "\"e\""}}};
          const HttpAnswer answer{answers.back(), "Because"};
          answers.pop_back();
          return answer;
        });
    HttpPlace place{*parse_url("https://broker/t"), std::move(broker),
                    std::make_unique<Credentials>("Bearer hunter2")};
    destination = make_broker_destination("", make_broker_url(std::move(place)), std::move(store));
  }

  SendOutcome<SentPiece> send() {
    const auto standing = TRY(destination->open(object, session));
    return destination->send(object, session, standing.missing.at(0), [](ByteCount) {});
  }

  const TextSource bytes{"KDUMP"};
  ObjectToSend object{"lab/dump-1/vmcore", &bytes, 5, "5ha", "application/octet-stream"};
  HttpAnswer ticket{
      200, "OK", {}, R"({"url":"https://store/b/k?sig=s3cret","headers":{"content-type":"x/y"}})"};
  std::vector<unsigned> answers;  // of the store, the next one last
  std::vector<AskedRequest> asked;
  std::vector<AskedRequest> puts;
  std::unique_ptr<Destination> destination;
  TransferSession session;
};

TEST_F(BrokerDestinationTest, who_we_are_is_for_the_broker_alone) {
  ASSERT_TRUE(send().has_value());
  ASSERT_THAT(asked, SizeIs(1));
  EXPECT_EQ(asked[0].header("Authorization"), "Bearer hunter2");
  EXPECT_EQ(asked[0].body,
            "{\"schema\":1,\"key\":\"lab/dump-1/vmcore\",\"size\":5,\"sha256\":\"5ha\","
            "\"content_type\":\"application/octet-stream\"}\n");
  ASSERT_THAT(puts, SizeIs(1));
  EXPECT_EQ(puts[0].request.url.text(), "https://store/b/k");
  EXPECT_EQ(puts[0].request.query, "sig=s3cret");
  EXPECT_EQ(puts[0].body, "KDUMP");
  EXPECT_EQ(puts[0].header("Authorization"), "");
  EXPECT_THAT(puts[0].request.headers, Not(Contains(Pair("Content-Type", testing::_))));
  EXPECT_EQ(puts[0].header("content-type"), "x/y");
  EXPECT_EQ(session.id + session.token, "");
}

TEST_F(BrokerDestinationTest, a_refused_ticket_is_asked_for_once_more) {
  answers = {403};
  ASSERT_TRUE(send().has_value());
  EXPECT_THAT(asked, SizeIs(2));
  EXPECT_THAT(puts, SizeIs(2));
  answers = {403, 403};
  const auto sent = send();
  ASSERT_FALSE(sent.has_value());
  EXPECT_EQ(sent.error().remedy, Remedy::change_sink);
  EXPECT_THAT(sent.error().failure.message, AllOf(HasSubstr("cannot send lab/dump-1/vmcore to store: "),
                                                  HasSubstr("403"), Not(HasSubstr("s3cret"))));
  answers = {503};
  EXPECT_EQ(send().error().remedy, Remedy::wait);
}

TEST_F(BrokerDestinationTest, each_attempt_has_a_ticket_of_its_own) {
  const auto standing = destination->open(object, session);
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(destination->send(object, session, standing->missing.at(0), [](ByteCount) {}).has_value());
  }
  EXPECT_THAT(asked, SizeIs(3));
}

TEST_F(BrokerDestinationTest, what_the_broker_has_is_not_sent) {
  ticket.body = R"({"already_there":true})";
  const auto standing = destination->open(object, session);
  ASSERT_TRUE(standing.has_value());
  EXPECT_TRUE(standing->complete.has_value());
  EXPECT_THAT(puts, SizeIs(0));
}

TEST_F(BrokerDestinationTest, refusals_of_the_broker_have_their_remedies) {
  for (const auto& [status, remedy] : {std::pair(401u, Remedy::change_sink),
                                       {403u, Remedy::change_sink},
                                       {413u, Remedy::give_dump_up},
                                       {429u, Remedy::wait},
                                       {503u, Remedy::wait},
                                       {302u, Remedy::change_sink}}) {
    ticket.status = status;
    EXPECT_EQ(send().error().remedy, remedy) << status;
  }
}

TEST_F(BrokerDestinationTest, the_ticket_for_the_report_says_what_is_wanted) {
  ticket.body = R"({"url":"http://localhost/k","want":"nothing"})";
  ASSERT_TRUE(send().has_value());
  EXPECT_EQ(*destination->asked_for("lab/dump-1"), std::nullopt);
  object.key = "lab/dump-1/manifest-report.json";
  ASSERT_TRUE(send().has_value());
  EXPECT_EQ(*destination->asked_for("lab/dump-1"), Destination::Want::nothing);
}

// A real script, a real store.
TEST(Broker, a_dump_goes_where_a_script_says) {
  const std::string missing = NginxServer::missing();
  if (!missing.empty()) GTEST_SKIP() << "NOT TESTED against a real server: " << missing;
  class Fixture : public DumpTest {
   public:
    void TestBody() override {}
    using DumpTest::dump;
    using DumpTest::make_vmcore;
    using DumpTest::temporary;
  } fixture;
  fixture.make_vmcore(3 * 1024 * 1024);
  const NginxServer nginx(fixture.temporary.path() / "nginx");
  const fs::path script = fixture.temporary.path() / "broker";
  write_file(script, fmt::format(R"sh(#!/bin/sh
set -eu
key=$(sed 's/.*"key":"\([^"]*\)".*/\1/')
printf '{{"url": "http://127.0.0.1:{}/dav/%s/%s?X-Amz-Signature=hunter2", "expires_in": 60}}\n' "$1" "$key"
)sh",
                                 nginx.http_port()));
  fs::permissions(script, fs::perms::owner_all);
  const auto destination = make_destination("broker:", {.broker_command = script.string() + " fleet-7"});
  ASSERT_TRUE(destination.has_value()) << destination.error().message;
  RecordedProgress progress;
  VirtualClock clock;
  const auto report = upload_dump(fixture.dump, **destination, {}, progress, clock);
  ASSERT_TRUE(report.has_value()) << report.error().failure.message;
  for (const char* file : {"vmcore", "vmcore-dmesg.txt", "meta.json"}) {
    EXPECT_TRUE(same_bytes(fixture.dump / file, nginx.files() / "fleet-7" / report->key / file)) << file;
  }
}

}  // namespace
}  // namespace warmdump
