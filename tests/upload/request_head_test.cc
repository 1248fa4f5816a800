#include "upload/wire/request_head.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace warmdump {
namespace {

using testing::HasSubstr;
using testing::Not;

HttpRequest request(const char* address = "https://sink:8443/a/b") {
  HttpRequest made;
  made.url = std::move(parse_url(address).value());
  return made;
}

TEST(RequestHead, SaysWhatIsNeededAndNoMore) {
  HttpRequest put = request();
  put.query = "partNumber=1&uploadId=x";
  put.headers = {{"Host", "sink:8443"}, {"X-Amz-Date", "20260101T000000Z"}};
  put.body_bytes = 7;
  EXPECT_EQ(*request_head(put, {.ask_first = true}),
            "PUT /a/b?partNumber=1&uploadId=x HTTP/1.1\r\nHost: sink:8443\r\nX-Amz-Date: 20260101T000000Z\r\n"
            "Content-Length: 7\r\nExpect: 100-continue\r\n\r\n");
}

TEST(RequestHead, RequestsWithoutABodyHaveNoLength) {
  for (const char* method : {"GET", "HEAD", "DELETE", "OPTIONS"}) {
    HttpRequest bare = request("http://sink");
    bare.method = method;
    EXPECT_EQ(*request_head(bare, {}), std::string(method) + " / HTTP/1.1\r\nHost: sink\r\n\r\n");
  }
  for (const char* method : {"PUT", "POST", "PATCH"}) {
    HttpRequest empty = request("http://sink");
    empty.method = method;
    EXPECT_THAT(*request_head(empty, {}), HasSubstr("Content-Length: 0\r\n"));
  }
}

TEST(RequestHead, AProxyGetsTheWholeAddress) {
  EXPECT_THAT(
      *request_head(request("http://sink/a"), {.absolute_form = true, .proxy_authorization = "Basic x"}),
      testing::AllOf(testing::StartsWith("PUT http://sink/a HTTP/1.1\r\nHost: sink\r\n"),
                     HasSubstr("\r\nProxy-Authorization: Basic x\r\n")));
  EXPECT_EQ(connect_head(request("https://sink").url, ""),
            "CONNECT sink:443 HTTP/1.1\r\nHost: sink:443\r\n\r\n");
  EXPECT_EQ(connect_head(request("https://[::1]:8").url, "Basic x"),
            "CONNECT [::1]:8 HTTP/1.1\r\nHost: [::1]:8\r\nProxy-Authorization: Basic x\r\n\r\n");
}

TEST(RequestHead, NothingCanSmuggleASecondField) {
  const std::string bad[] = {"a\r\nX: y", "a\n",         "\r",      std::string("a\0b", 3),
                             "a\x7f",     "caf\xc3\xa9", "\x1b[2J", "\t"};
  for (const auto& value : bad) {
    HttpRequest one = request();
    one.headers = {{"X-Meta", value}};
    const auto head = request_head(one, {});
    ASSERT_FALSE(head.has_value()) << value;
    EXPECT_EQ(head.error().failure.code, ErrorCode::invalid);
    EXPECT_EQ(head.error().remedy, Remedy::change_source);
    EXPECT_THAT(head.error().failure.message, testing::AllOf(HasSubstr("X-Meta"), Not(HasSubstr(value))));
    one.headers = {{value, "x"}};
    EXPECT_FALSE(request_head(one, {}).has_value()) << value;
    one = request();
    one.query = value;
    EXPECT_FALSE(request_head(one, {}).has_value()) << value;
    one = request();
    one.method = value;
    EXPECT_FALSE(request_head(one, {}).has_value()) << value;
  }
  HttpRequest one = request();
  for (const char* name : {"", "a b", "a:", "a\"", "(x)"}) {
    one.headers = {{name, "x"}};
    EXPECT_FALSE(request_head(one, {}).has_value()) << name;
  }
  one = request();
  one.query = "a#b";
  EXPECT_FALSE(request_head(one, {}).has_value());
}

TEST(RequestHead, FieldsOfTheConnectionAreNotTheCallers) {
  for (const char* name : {"content-length", "Transfer-Encoding", "CONNECTION", "Expect", "Upgrade", "Host",
                           "Proxy-Authorization", "TE"}) {
    HttpRequest one = request();
    one.headers = {{name, "x"}};
    EXPECT_FALSE(request_head(one, {}).has_value()) << name;
  }
}

}  // namespace
}  // namespace warmdump
