#include "upload/wire/url.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace warmdump {
namespace {

using testing::HasSubstr;
using testing::Not;

struct GoodCase {
  const char* text;
  const char* authority;
  std::uint16_t port;
  const char* normal;
};

TEST(Url, AcceptsAddresses) {
  const GoodCase cases[] = {
      {"http://sink", "sink", 80, "http://sink"},
      {"HTTPS://Sink.Example/", "sink.example", 443, "https://sink.example"},
      {"https://sink.example:443/a", "sink.example", 443, "https://sink.example/a"},
      {"http://sink:8080/a/b//", "sink:8080", 8080, "http://sink:8080/a/b"},
      {"https://[2001:DB8::1]:8443/x", "[2001:db8::1]:8443", 8443, "https://[2001:db8::1]:8443/x"},
      {"http://[::1]/", "[::1]", 80, "http://[::1]"},
      {"http://127.0.0.1:1/%7Ea@b", "127.0.0.1:1", 1, "http://127.0.0.1:1/%7Ea@b"},
  };
  for (const auto& c : cases) {
    const auto url = parse_url(c.text);
    ASSERT_TRUE(url.has_value()) << c.text << ": " << url.error().message;
    EXPECT_EQ(url->authority(), c.authority) << c.text;
    EXPECT_EQ(url->port, c.port) << c.text;
    EXPECT_EQ(url->text(), c.normal) << c.text;
  }
}

TEST(Url, KnowsAddressLiterals) {
  EXPECT_TRUE(parse_url("http://127.0.0.1")->host_is_address);
  EXPECT_TRUE(parse_url("http://[::1]")->host_is_address);
  EXPECT_FALSE(parse_url("http://sink")->host_is_address);
  EXPECT_FALSE(parse_url("http://1.2.3.4.example")->host_is_address);
}

TEST(Url, RefusesEverythingElse) {
  const std::string cases[] = {
      "",
      "sink",
      "ftp://sink",
      "http:/sink",
      "http://",
      "http:///path",
      "http://:80",
      "http://sink:",
      "http://sink:0",
      "http://sink:65536",
      "http://sink:8o",
      "http://sink:-1",
      "http://sink:+1",
      "http://si nk",
      "http://sink/a b",
      "http://sink/a\r\nX: y",
      "http://sink\n",
      "http://sink/\t",
      std::string("http://sink/\0x", 14),
      "http://sink/\x7f",
      "http://sink/\xc3\xa4",
      "http://s\xc3\xa4nk",
      "http://[::1",
      "http://[::1]x",
      "http://[fe80::1%25eth0]/",
      "http://[sink]",
      "http://::1/",
      "http://sink/?q",
      "http://sink?q",
      "http://sink/#f",
      "http://sink/%",
      "http://sink/%4",
      "http://sink/%zz",
      "http://sink/../x",
      "http://sink/a/./b",
      "http://sink/%2e%2E/x",
      "http://sink/\"x\"",
      "http://sink/a\\b",
      "http://" + std::string(254, 'a'),
  };
  for (const auto& text : cases) {
    const auto url = parse_url(text);
    ASSERT_FALSE(url.has_value()) << text;
    EXPECT_EQ(url.error().code, ErrorCode::invalid);
  }
}

TEST(Url, NeverRepeatsSecrets) {
  for (const char* text : {"https://user:hunter2@sink/", "https://u:hunter2/x@sink/", "user:hunter2@sink",
                           "https://sink/?token=hunter2", "https://sink:99999/#hunter2", "hunter2@"}) {
    const auto url = parse_url(text);
    ASSERT_FALSE(url.has_value()) << text;
    EXPECT_THAT(url.error().message, Not(HasSubstr("hunter2")));
  }
  EXPECT_THAT(parse_url("https://u:p@sink/").error().message, HasSubstr("--credentials-file"));
}

TEST(Url, ChildEncodesItsSegment) {
  const auto url = parse_url("http://sink/base/");
  EXPECT_EQ(url->child("host-2026-01-31-23:59:59").child("meta.json").path,
            "/base/host-2026-01-31-23:59:59/meta.json");
  EXPECT_EQ(url->child("a b/c?d#e%f").path, "/base/a%20b%2Fc%3Fd%23e%25f");
}

}  // namespace
}  // namespace warmdump
