#include "upload/wire/proxy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <map>

#include "tests/upload/dump_fixture.h"

namespace warmdump {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

Url url(const char* text) {
  return std::move(parse_url(text).value());
}

const char* no_environment(const char*) {
  return nullptr;
}

TEST(NoProxy, CoversNamesBelowAddressesAndNetworks) {
  const auto none =
      NoProxy::parse("example.org, .Intern *.lab 10.0.0.0/8,192.168.1.7,[2001:db8::]/32,,fd00::1");
  ASSERT_TRUE(none.has_value()) << none.error().message;
  for (const char* covered : {"https://example.org", "https://a.b.example.org", "http://x.intern",
                              "http://intern", "https://s3.lab:8443", "http://10.255.1.2",
                              "http://192.168.1.7:80", "http://[2001:db8:1::5]", "http://[fd00::1]"}) {
    EXPECT_TRUE(none->covers(url(covered))) << covered;
  }
  for (const char* other :
       {"https://notexample.org", "https://example.org.evil", "http://11.0.0.1", "http://192.168.1.8",
        "http://[2001:db9::5]", "http://[fd00::2]", "http://10.example"}) {
    EXPECT_FALSE(none->covers(url(other))) << other;
  }
  EXPECT_TRUE(NoProxy::parse("*")->covers(url("http://anything")));
  EXPECT_TRUE(NoProxy::parse("0.0.0.0/0")->covers(url("http://1.2.3.4")));
  EXPECT_FALSE(NoProxy::parse("0.0.0.0/0")->covers(url("http://[::1]")));
  EXPECT_FALSE(NoProxy::parse("")->covers(url("http://[::1]")));
}

TEST(NoProxy, NetworksThatAreNoneAreRefused) {
  for (const char* list :
       {"10.0.0.0/33", "10.0.0.0/", "10.0.0.0/-1", "10.0.0.0/8x", "example.org/8", "fd00::/129", "/8"}) {
    EXPECT_FALSE(NoProxy::parse(list).has_value()) << list;
  }
}

TEST(ProxyRules, NoneIsTheDefaultAndTheEnvironmentIsNotAsked) {
  const auto rules = make_proxy_rules({}, [](const char*) -> const char* { return "http://evil:1"; });
  ASSERT_TRUE(rules.has_value());
  EXPECT_EQ(rules->find(url("https://sink")), nullptr);
}

TEST(ProxyRules, OneProxyServesBothSchemesButForExceptions) {
  const auto rules = make_proxy_rules({"proxy.example:3128", "", "sink.lab"}, no_environment);
  ASSERT_TRUE(rules.has_value()) << rules.error().message;
  EXPECT_EQ(rules->find(url("https://sink"))->url.text(), "http://proxy.example:3128");
  EXPECT_EQ(rules->find(url("http://sink"))->url.text(), "http://proxy.example:3128");
  EXPECT_EQ(rules->find(url("http://sink.lab")), nullptr);
}

TEST(ProxyRules, EnvironmentCountsWhenAskedFor) {
  const std::map<std::string, std::string> variables{
      {"https_proxy", "http://u:hunter2@a:1"}, {"HTTP_PROXY", "http://attacker:1"}, {"NO_PROXY", "lab"}};
  const auto rules = make_proxy_rules({"environment", "", "more"}, [&](const char* name) {
    const auto found = variables.find(name);
    return found == variables.end() ? nullptr : found->second.c_str();
  });
  ASSERT_TRUE(rules.has_value()) << rules.error().message;
  const Proxy* proxy = rules->find(url("https://sink"));
  ASSERT_NE(proxy, nullptr);
  EXPECT_EQ(proxy->url.text(), "http://a:1");
  EXPECT_EQ(proxy->authorization, "Basic dTpodW50ZXIy");
  EXPECT_EQ(rules->find(url("http://sink")), nullptr);
  EXPECT_EQ(rules->find(url("https://x.lab")), nullptr);
  EXPECT_EQ(rules->find(url("https://more")), nullptr);
}

TEST(ProxyRules, NonsenseIsRefusedAndSecretsAreNotRepeated) {
  for (const char* proxy : {"http://", "ftp://p", "http://p:0", "http://p/path", "http://p\r\nX: y",
                            "http://u:hunter2@p", "u:hunter2@p:1"}) {
    const auto rules = make_proxy_rules({proxy, "", ""}, no_environment);
    ASSERT_FALSE(rules.has_value()) << proxy;
    EXPECT_THAT(rules.error().message, Not(HasSubstr("hunter2")));
  }
  EXPECT_THAT(make_proxy_rules({"http://u:x@p", "", ""}, no_environment).error().message,
              HasSubstr("proxy_credentials_file"));
  EXPECT_FALSE(make_proxy_rules({"", "/some/file", ""}, no_environment).has_value());
}

TEST(ProxyRules, CredentialsComeFromAPrivateFile) {
  const test::TemporaryDirectory directory;
  const auto file = directory / "secret";
  const auto rules_of = [&](const std::string& text, std::filesystem::perms mode) {
    std::filesystem::remove(file);
    write_file(file, text);
    std::filesystem::permissions(file, mode);
    return make_proxy_rules({"http://p:1", file, ""}, no_environment);
  };
  using std::filesystem::perms;
  const auto good = rules_of("u:p\n", perms::owner_read);
  ASSERT_TRUE(good.has_value()) << good.error().message;
  EXPECT_EQ(good->for_https->authorization, "Basic dTpw");
  EXPECT_THAT(rules_of("u:p\n", perms::owner_read | perms::group_read).error().message,
              HasSubstr("chmod 0600"));
  EXPECT_THAT(rules_of("Bearer abc\n", perms::owner_read).error().message, HasSubstr("user:password"));
}

TEST(ProxyFailure, TellsWhatHelps) {
  const Proxy proxy{url("http://p:3128")};
  const auto unknown = proxy_failure(proxy, 407, "sink:443");
  EXPECT_EQ(unknown.remedy, Remedy::change_sink);
  EXPECT_EQ(unknown.http_status, 407u);
  EXPECT_THAT(unknown.failure.message,
              AllOf(HasSubstr("http://p:3128 wants"), HasSubstr("proxy_credentials_file")));
  EXPECT_THAT(proxy_failure({proxy.url, "Basic x"}, 407, "s").failure.message, HasSubstr("refuses our user"));
  EXPECT_EQ(proxy_failure(proxy, 403, "sink:443").remedy, Remedy::change_sink);
  EXPECT_EQ(proxy_failure(proxy, 503, "sink:443").remedy, Remedy::wait);
}

}  // namespace
}  // namespace warmdump
