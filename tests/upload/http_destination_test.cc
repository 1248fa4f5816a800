// What the HTTP destination asks of its transport, and what it makes of the answers.

#include "upload/http_destination.h"

#include "tests/upload/dump_fixture.h"

namespace warmdump {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::Pair;

class ScriptedTransport final : public HttpTransport {
 public:
  ScriptedTransport(std::vector<HttpPut>& requests, const HttpAnswer& answer)
      : requests_(requests), answer_(answer) {}
  SendOutcome<HttpAnswer> put(const HttpPut& request) override {
    requests_.push_back(request);
    return answer_;
  }

 private:
  std::vector<HttpPut>& requests_;
  const HttpAnswer& answer_;
};

class HttpDestinationTest : public DumpTest {
 protected:
  SendOutcome<void> send_vmcore(std::unique_ptr<Credentials> credentials = nullptr) {
    const auto opened = open_dump_directory(dump);
    const auto destination =
        make_http_destination(*parse_url("https://sink/base"),
                              std::make_unique<ScriptedTransport>(requests, answer), std::move(credentials));
    return destination->send(*opened, opened->files[1], [](ByteCount) {});
  }

  std::vector<HttpPut> requests;
  HttpAnswer answer{201, "Created", "", "", "", ""};
};

TEST_F(HttpDestinationTest, PutsBelowTheNameOfTheDump) {
  ASSERT_TRUE(send_vmcore(std::make_unique<Credentials>("Bearer x")).has_value());
  ASSERT_EQ(requests.size(), 1u);
  EXPECT_EQ(requests[0].url.text(), "https://sink/base/host-2026-01-31-23:59:59/vmcore");
  EXPECT_EQ(requests[0].body_bytes, std::filesystem::file_size(dump / "vmcore"));
  EXPECT_THAT(requests[0].headers, Contains(Pair("Authorization", "Bearer x")));
}

TEST_F(HttpDestinationTest, TemporaryAnswersCarryTheRetryAfter) {
  answer = {503, "Service Unavailable", "17", "", "text/plain", "maintenance\r\nuntil noon"};
  const auto sent = send_vmcore();
  ASSERT_FALSE(sent.has_value());
  EXPECT_EQ(sent.error().outlook, Outlook::temporary);
  EXPECT_EQ(sent.error().retry_after, std::chrono::seconds(17));
  EXPECT_EQ(sent.error().failure.message,
            "cannot send https://sink/base/host-2026-01-31-23:59:59/vmcore: "
            "the server answered 503 Service Unavailable: maintenance  until noon");
}

TEST_F(HttpDestinationTest, RedirectsAreRefusedAndTheirSecretsHidden) {
  answer = {302, "Found", "", "https://user:hunter2@login/?session=hunter2", "", ""};
  const auto sent = send_vmcore();
  ASSERT_FALSE(sent.has_value());
  EXPECT_EQ(sent.error().outlook, Outlook::permanent);
  EXPECT_THAT(sent.error().failure.message, AllOf(HasSubstr("302 Found"), HasSubstr("login/"),
                                                  HasSubstr("not followed"), Not(HasSubstr("hunter2"))));
}

TEST_F(HttpDestinationTest, TextOfTheServerCannotPlayWithTheTerminal) {
  answer = {403, "\x1b[2J", "", "", "text/plain", "\x1b]0;title\x07" + std::string(5000, 'x')};
  const auto sent = send_vmcore();
  ASSERT_FALSE(sent.has_value());
  EXPECT_THAT(sent.error().failure.message, Not(HasSubstr("\x1b")));
  EXPECT_LT(sent.error().failure.message.size(), 500u);
}

TEST_F(HttpDestinationTest, HtmlPagesAreNotQuoted) {
  answer = {404, "Not Found", "", "", "text/html", "<html>"};
  const auto sent = send_vmcore();
  EXPECT_EQ(sent.error().outlook, Outlook::permanent);
  EXPECT_THAT(sent.error().failure.message, AllOf(HasSubstr("404 Not Found;"), Not(HasSubstr("html"))));
}

TEST_F(HttpDestinationTest, AcceptedIsNotStored) {
  answer = {202, "Accepted", "", "", "", ""};
  EXPECT_FALSE(send_vmcore().has_value());
}

TEST(MakeDestination, UnknownOnesAndUselessOptionsAreRefused) {
  const auto message = [](const std::string& address, const DestinationOptions& options = {}) {
    const auto destination = make_destination(address, options);
    return destination.has_value() ? "accepted" : destination.error().message;
  };
  EXPECT_THAT(message("s3://u:hunter2@bucket"),
              AllOf(HasSubstr("unknown destination"), Not(HasSubstr("hunter2"))));
  EXPECT_THAT(message("/tmp"), HasSubstr("use dir:PATH"));
  EXPECT_THAT(message("http://sink", {.ca_file = "x", .credentials_file = ""}), HasSubstr("no meaning"));
  EXPECT_THAT(message("dir:/tmp", {.ca_file = "x", .credentials_file = ""}), HasSubstr("no meaning"));
  EXPECT_THAT(message("https://sink", {.ca_file = "/absent", .credentials_file = ""}),
              HasSubstr("No such file"));
  EXPECT_THAT(message("https://sink", {.ca_file = "/etc/hostname", .credentials_file = ""}),
              HasSubstr("no usable PEM certificate"));
}

}  // namespace
}  // namespace warmdump
