// What the HTTP destination asks of its transport, and what it makes of the answers.

#include "upload/destination/put_destination.h"

#include "tests/upload/dump_fixture.h"
#include "tests/upload/scripted_transport.h"

namespace warmdump {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::Pair;

class PutDestinationTest : public DumpTest {
 protected:
  std::unique_ptr<Destination> make(std::unique_ptr<Credentials> credentials = nullptr) {
    auto transport = std::make_unique<ScriptedTransport>(
        requests, [this](const AskedRequest&) -> SendOutcome<HttpAnswer> { return answer; });
    return make_put_destination(
        HttpPlace{*parse_url("https://sink/base"), std::move(transport), std::move(credentials)});
  }

  // What the server wants of the dump lab/dump-1, when it answers to the question for it.
  std::optional<Destination::Want> want_of(const HttpAnswer& the_answer) {
    answer = the_answer;
    const auto want = make()->asked_for("lab/dump-1");
    EXPECT_TRUE(want.has_value());
    return want.has_value() ? *want : std::nullopt;
  }

  SendOutcome<SentPiece> send_vmcore(std::unique_ptr<Credentials> credentials = nullptr) {
    const auto opened = open_dump_directory(dump);
    const auto destination = make(std::move(credentials));
    const auto vmcore = open_unchanged(*opened, opened->files.back());
    const ObjectToSend object{"lab/dump-1/vmcore", &*vmcore, opened->files.back().size, "",
                              "application/octet-stream"};
    TransferSession session;
    const auto standing = destination->open(object, session);
    return destination->send(object, session, standing->missing.at(0), [](ByteCount) {});
  }

  std::vector<AskedRequest> requests;
  HttpAnswer answer{.status = 201, .reason = "Created"};
};

TEST_F(PutDestinationTest, PutsBelowItsAddress) {
  ASSERT_TRUE(send_vmcore(std::make_unique<Credentials>("Bearer x")).has_value());
  ASSERT_EQ(requests.size(), 1u);
  EXPECT_EQ(requests[0].request.url.text(), "https://sink/base/lab/dump-1/vmcore");
  EXPECT_EQ(requests[0].request.body_bytes, std::filesystem::file_size(dump / "vmcore"));
  EXPECT_THAT(requests[0].request.headers, Contains(Pair("Authorization", "Bearer x")));
}

TEST_F(PutDestinationTest, TemporaryAnswersCarryTheRetryAfter) {
  answer = {503,
            "Service Unavailable",
            {{"retry-after", "17"}, {"content-type", "text/plain"}},
            "maintenance\r\nuntil noon"};
  const auto sent = send_vmcore();
  ASSERT_FALSE(sent.has_value());
  EXPECT_EQ(sent.error().remedy, Remedy::wait);
  EXPECT_EQ(sent.error().retry_after, std::chrono::seconds(17));
  EXPECT_EQ(sent.error().failure.message,
            "cannot send https://sink/base/lab/dump-1/vmcore: "
            "the server answered 503 Service Unavailable: maintenance  until noon");
}

TEST_F(PutDestinationTest, RedirectsAreRefusedAndTheirSecretsHidden) {
  answer = {302, "Found", {{"location", "https://user:hunter2@login/?session=hunter2"}}};
  const auto sent = send_vmcore();
  ASSERT_FALSE(sent.has_value());
  EXPECT_EQ(sent.error().remedy, Remedy::change_sink);
  EXPECT_THAT(sent.error().failure.message, AllOf(HasSubstr("302 Found"), HasSubstr("login/"),
                                                  HasSubstr("not followed"), Not(HasSubstr("hunter2"))));
}

TEST_F(PutDestinationTest, TextOfTheServerCannotPlayWithTheTerminal) {
  answer = {403, "\x1b[2J", {{"content-type", "text/plain"}}, "\x1b]0;title\x07" + std::string(5000, 'x')};
  const auto sent = send_vmcore();
  ASSERT_FALSE(sent.has_value());
  EXPECT_THAT(sent.error().failure.message, Not(HasSubstr("\x1b")));
  EXPECT_LT(sent.error().failure.message.size(), 500u);
}

TEST_F(PutDestinationTest, HtmlPagesAreNotQuoted) {
  answer = {404, "Not Found", {{"content-type", "text/html"}}, "<html>"};
  const auto sent = send_vmcore();
  EXPECT_EQ(sent.error().remedy, Remedy::change_sink);
  EXPECT_THAT(sent.error().failure.message, AllOf(HasSubstr("404 Not Found;"), Not(HasSubstr("html"))));
}

TEST_F(PutDestinationTest, only_answers_that_promise_it_mean_stored) {
  for (const unsigned status : {200u, 201u, 204u}) {
    answer = {status, "Fine", {{"etag", "\"a\x1b\""}}};
    const auto sent = send_vmcore();
    ASSERT_TRUE(sent.has_value()) << status;
    EXPECT_EQ(sent->tag, "\"a \"");
  }
  for (const unsigned status : {202u, 203u, 205u, 206u, 207u, 299u}) {
    answer = {status, "Hm"};
    EXPECT_FALSE(send_vmcore().has_value()) << status;
  }
}

TEST_F(PutDestinationTest, secrets_that_a_server_repeats_are_not_quoted) {
  answer = {400,
            "Bad",
            {{"content-type", "application/json"}},
            R"({"url":"https://sink/a?X-Amz-Signature=hunter2","q":"/a?token=hunter2",)"
            R"("got":"Authorization: Bearer hunter2, Basic  hunter2"})"};
  const auto sent = send_vmcore();
  ASSERT_FALSE(sent.has_value());
  EXPECT_THAT(sent.error().failure.message,
              AllOf(HasSubstr("https://sink/a..."), HasSubstr("Bearer ..."), Not(HasSubstr("hunter2"))));
}

TEST_F(PutDestinationTest, what_the_server_wants_is_asked_beside_the_manifest) {
  using Want = Destination::Want;
  EXPECT_EQ(want_of({200, "OK", {}, "dump\n"}), Want::dump);
  ASSERT_EQ(requests.size(), 1u);
  EXPECT_EQ(requests[0].request.method, "GET");
  EXPECT_EQ(requests[0].request.url.text(), "https://sink/base/lab/dump-1/want");
  EXPECT_EQ(want_of({200, "OK", {}, " Nothing\r\n"}), Want::nothing);
  EXPECT_EQ(want_of({404, "Not Found", {{"warmdump-want", "later"}}}), Want::later);
  for (const char* nonsense : {"", "dumps", "dump dump", "<html>dump"}) {
    EXPECT_EQ(want_of({200, "OK", {}, nonsense}), std::nullopt) << nonsense;
  }
  for (const unsigned status : {401u, 403u, 404u, 405u, 301u}) {
    EXPECT_EQ(want_of({status, "No"}), std::nullopt);
  }
  answer = {503, "Busy"};
  const auto want = make()->asked_for("lab/dump-1");
  ASSERT_FALSE(want.has_value());
  EXPECT_EQ(want.error().remedy, Remedy::wait);
}

TEST_F(PutDestinationTest, the_answer_to_the_manifest_says_what_is_wanted) {
  const auto destination = make();
  answer = {201, "Created", {{"warmdump-want", "nothing"}}};
  const TextSource text("{}");
  const ObjectToSend manifest{"lab/dump-1/manifest-report.json", &text, 2, "", "application/json"};
  TransferSession session;
  const auto standing = destination->open(manifest, session);
  ASSERT_TRUE(destination->send(manifest, session, standing->missing.at(0), [](ByteCount) {}).has_value());
  EXPECT_EQ(*destination->asked_for("lab/dump-1"), Destination::Want::nothing);
  EXPECT_EQ(requests.size(), 1u);
}

TEST(MakeDestination, UnknownOnesAndUselessOptionsAreRefused) {
  const auto message = [](const std::string& address, const DestinationOptions& options = {}) {
    const auto destination = make_destination(address, options);
    return destination.has_value() ? "accepted" : destination.error().message;
  };
  EXPECT_THAT(message("ftp://u:hunter2@host"),
              AllOf(HasSubstr("unknown destination"), Not(HasSubstr("hunter2"))));
  EXPECT_THAT(message("/tmp"), AllOf(HasSubstr("use dir:PATH"), HasSubstr("https://HOST/PATH"),
                                     HasSubstr("tus+https://"), HasSubstr("broker:[NAME] or s3://BUCKET")));
  EXPECT_THAT(message("dir:/tmp", {.part_bytes = 1}), HasSubstr("--part-bytes has no meaning for dir:"));
  EXPECT_THAT(message("https://sink", {.broker_url = "https://x"}), HasSubstr("--broker-url has no meaning"));
  EXPECT_THAT(message("tus+http://sink", {.ca_file = "x"}), HasSubstr("--ca-file has no meaning"));
  EXPECT_THAT(message("tus+http://sink", {.credentials_file = "x"}), HasSubstr("use https"));
  EXPECT_THAT(message("tus+ftp://sink"), HasSubstr("unknown destination"));
  EXPECT_THAT(message("tus+https://u:hunter2@sink"),
              AllOf(HasSubstr("bad address"), Not(HasSubstr("hunter2"))));
  EXPECT_THAT(message("http://sink", {.ca_file = "x", .credentials_file = ""}), HasSubstr("no meaning"));
  EXPECT_THAT(message("dir:/tmp", {.ca_file = "x", .credentials_file = ""}), HasSubstr("no meaning"));
  EXPECT_THAT(message("https://sink", {.ca_file = "/absent", .credentials_file = ""}),
              HasSubstr("No such file"));
  EXPECT_THAT(message("https://sink", {.ca_file = "/etc/hostname", .credentials_file = ""}),
              HasSubstr("no usable PEM certificate"));
}

}  // namespace
}  // namespace warmdump
