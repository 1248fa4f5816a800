// Where credentials for S3 come from, how long they are good, and what is refused.

#include "tests/upload/dump_fixture.h"
#include "tests/upload/s3/scripted_store.h"
#include "upload/destination/s3/credentials_sources.h"

namespace warmdump {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

Outcome<std::unique_ptr<HttpTransport>> plain_transport(const Url& url, bool) {
  HttpTransportOptions options;
  options.with_tls = url.is_https;
  return make_http_transport(options);
}

Environment environment_of(std::vector<std::pair<std::string, std::string>> variables) {
  return [variables = std::move(variables)](const std::string& name) -> std::optional<std::string> {
    for (const auto& [key, value] : variables) {
      if (key == name) return value;
    }
    return {};
  };
}

class S3Credentials : public testing::Test {
 protected:
  std::string private_file(const std::string& name, const std::string& text) {
    const auto path = temporary.path() / name;
    write_file(path, text);
    std::filesystem::permissions(path, std::filesystem::perms(0600));
    return path;
  }
  // The message of the failure, or the access key that was read.
  static std::string key_of(const CredentialsOptions& options,
                            const Environment& environment = environment_of({})) {
    auto source = make_credentials_source(options, environment, plain_transport);
    if (!source.has_value()) return source.error().message;
    const auto credentials = (*source)->read(0);
    return credentials.has_value() ? credentials->access_key : credentials.error().failure.message;
  }

  test::TemporaryDirectory temporary;
};

TEST(S3CredentialsFile, a_profile_is_read_and_others_are_not) {
  const std::string_view text =
      "# comment\n[default]\nregion = eu\naws_access_key_id = A\naws_secret_access_key=S=/+\r\n\n"
      "[ other ]\naws_access_key_id=B\naws_secret_access_key = T\naws_session_token = tok\n";
  const auto first = parse_credentials_file(text, "default");
  ASSERT_TRUE(first.has_value()) << first.error().message;
  EXPECT_EQ(first->access_key + "|" + first->secret_key + "|" + first->session_token, "A|S=/+|");
  const auto second = parse_credentials_file(text, "other");
  ASSERT_TRUE(second.has_value());
  EXPECT_EQ(second->access_key + "|" + second->secret_key + "|" + second->session_token, "B|T|tok");
}

TEST(S3CredentialsFile, refusals_do_not_repeat_it) {
  for (const std::string_view text :
       {"", "hunter2", "[default]\n", "[default]\naws_access_key_id=hunter2\n",
        "[defaul]\naws_access_key_id=hunter2\n",
        "[default]\naws_access_key_id=hunter2 x\naws_secret_access_key=hunter2\n",
        "[default]\naws_access_key_id=a\naws_secret_access_key=hunter2\x01\n",
        "[default]\naws_access_key_id=hunter2/\naws_secret_access_key=x\n"}) {
    const auto parsed = parse_credentials_file(text, "default");
    ASSERT_FALSE(parsed.has_value()) << text;
    EXPECT_THAT(parsed.error().message, Not(HasSubstr("hunter2"))) << text;
  }
}

TEST_F(S3Credentials, a_file_that_others_can_read_is_refused) {
  const std::string path = private_file("keys", "[default]\naws_access_key_id=A\naws_secret_access_key=S\n");
  EXPECT_EQ(key_of({.credentials_file = path}), "A");
  std::filesystem::permissions(path, std::filesystem::perms(0644));
  EXPECT_THAT(key_of({.credentials_file = path}), HasSubstr("others can read"));
}

TEST_F(S3Credentials, the_users_shared_file_is_what_is_left) {
  EXPECT_THAT(
      key_of({}, environment_of({{"HOME", temporary.path()}})),
      AllOf(HasSubstr("give a credentials_file"), HasSubstr("there is no " + temporary.path().string())));
  std::filesystem::create_directory(temporary.path() / ".aws");
  private_file(".aws/credentials", "[lab]\naws_access_key_id=HOME\naws_secret_access_key=S\n");
  EXPECT_EQ(key_of({.profile = "lab"}, environment_of({{"HOME", temporary.path()}})), "HOME");
  EXPECT_THAT(key_of({}), HasSubstr("give a credentials_file"));
}

TEST_F(S3Credentials, the_environment_counts_only_when_it_is_named) {
  const auto environment = environment_of({{"AWS_ACCESS_KEY_ID", "ENV"}, {"AWS_SECRET_ACCESS_KEY", "S"}});
  EXPECT_EQ(key_of({.credentials_from = "environment"}, environment), "ENV");
  EXPECT_THAT(key_of({}, environment), HasSubstr("give a credentials_file"));
  EXPECT_THAT(key_of({.credentials_from = "environment"}), HasSubstr("neither AWS_ACCESS_KEY_ID"));
  EXPECT_THAT(key_of({.credentials_from = "environment"}, environment_of({{"AWS_ACCESS_KEY_ID", "ENV"}})),
              HasSubstr("missing"));
}

TEST_F(S3Credentials, settings_that_contradict_each_other_are_refused) {
  EXPECT_THAT(key_of({.credentials_file = "x", .credentials_from = "environment"}),
              HasSubstr("does not go with"));
  EXPECT_THAT(key_of({.credentials_file = "x", .role_arn = "r"}), HasSubstr("does not go with"));
  EXPECT_THAT(key_of({.role_arn = "r"}), HasSubstr("belong together"));
  EXPECT_THAT(key_of({.credentials_from = "cloud"}), HasSubstr("\"environment\" or \"instance\""));
  EXPECT_THAT(key_of({.role_arn = "r", .web_identity_token_file = "t", .sts_endpoint = "http://sts.example"}),
              HasSubstr("not sent over http://"));
  EXPECT_THAT(key_of({.credentials_from = "environment"},
                     environment_of({{"AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://elsewhere.example/x"}})),
              HasSubstr("from another machine"));
}

TEST_F(S3Credentials, web_identity_gets_keys_that_expire) {
  ScriptedStore sts([](const auto&) {
    return answer_with(
        "200 OK",
        "<AssumeRoleWithWebIdentityResponse><AssumeRoleWithWebIdentityResult><Credentials>"
        "<AccessKeyId>ASIA</AccessKeyId><SecretAccessKey>S</SecretAccessKey><SessionToken>T</SessionToken>"
        "<Expiration>2013-05-24T00:00:00Z</Expiration></Credentials></AssumeRoleWithWebIdentityResult>"
        "</AssumeRoleWithWebIdentityResponse>");
  });
  auto source = make_credentials_source({.role_arn = "arn:aws:iam::1:role/d",
                                         .web_identity_token_file = private_file("token", "ey.J/+\n"),
                                         .sts_endpoint = sts.url()},
                                        environment_of({}), plain_transport);
  ASSERT_TRUE(source.has_value()) << source.error().message;
  const auto credentials = (*source)->read(0);
  ASSERT_TRUE(credentials.has_value()) << credentials.error().failure.message;
  EXPECT_EQ(credentials->access_key, "ASIA");
  EXPECT_EQ(credentials->session_token, "T");
  EXPECT_EQ(credentials->expires, 1369353600);
  EXPECT_EQ(
      sts.requests()[0].body,
      "Action=AssumeRoleWithWebIdentity&RoleArn=arn%3Aaws%3Aiam%3A%3A1%3Arole%2Fd&RoleSessionName=warmdump&"
      "Version=2011-06-15&WebIdentityToken=ey.J%2F%2B");
}

TEST_F(S3Credentials, what_sts_refuses_says_why_without_the_token) {
  ScriptedStore sts([](const auto&) {
    return answer_with("400 Bad Request",
                       "<ErrorResponse><Error><Code>ExpiredTokenException</Code><Message>Token expired"
                       "</Message></Error></ErrorResponse>");
  });
  EXPECT_THAT(key_of({.role_arn = "arn",
                      .web_identity_token_file = private_file("token", "hunter2"),
                      .sts_endpoint = sts.url()}),
              AllOf(HasSubstr("cannot get credentials for arn"),
                    HasSubstr("ExpiredTokenException: Token expired"), Not(HasSubstr("hunter2"))));
}

constexpr const char* kJson =
    R"({"AccessKeyId":"JSON","SecretAccessKey":"S","Token":"T","Expiration":"2013-05-24T00:00:00Z","Code":"Success"})";

TEST_F(S3Credentials, a_container_endpoint_is_asked_with_its_token) {
  ScriptedStore service([](const auto&) { return answer_with("200 OK", kJson); });
  EXPECT_EQ(
      key_of({.credentials_from = "environment"},
             environment_of({{"AWS_CONTAINER_CREDENTIALS_FULL_URI", service.url() + "/creds?id=1"},
                             {"AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", private_file("token", "secret\n")}})),
      "JSON");
  EXPECT_THAT(service.lines(), ElementsAre("GET /creds?id=1"));
  EXPECT_EQ(service.requests()[0].value_of("Authorization"), "secret");
}

TEST_F(S3Credentials, the_metadata_service_is_asked_by_its_second_protocol) {
  ScriptedStore service([](const auto& request) {
    if (request.method == "PUT") return answer_with("200 OK", "TOKEN");
    if (request.value_of("X-aws-ec2-metadata-token") != "TOKEN") return answer_with("401 Unauthorized");
    return answer_with("200 OK", request.target.ends_with("/") ? "my-role\n" : kJson);
  });
  const auto source = make_instance_source(*parse_url(service.url()), plain_transport);
  const auto credentials = source->read(0);
  ASSERT_TRUE(credentials.has_value()) << credentials.error().failure.message;
  EXPECT_EQ(credentials->access_key, "JSON");
  EXPECT_THAT(service.lines(),
              ElementsAre("PUT /latest/api/token", "GET /latest/meta-data/iam/security-credentials/",
                          "GET /latest/meta-data/iam/security-credentials/my-role"));
}

TEST(S3CredentialsJson, odd_texts_are_refused_and_not_repeated) {
  for (const std::string_view text :
       {"", "[]", "null", "hunter2", R"({"AccessKeyId":1,"SecretAccessKey":"hunter2"})",
        R"({"AccessKeyId":"a b","SecretAccessKey":"hunter2"})"}) {
    const auto parsed = parse_json_credentials(text);
    ASSERT_FALSE(parsed.has_value()) << text;
    EXPECT_THAT(parsed.error().message, Not(HasSubstr("hunter2")));
  }
}

// Gives "K1", "K2", ... for an hour each; or fails.
class CountingSource final : public AwsCredentialsSource {
 public:
  struct State {
    int reads = 0;
    bool fails = false;
    bool changes = true;
  };
  explicit CountingSource(State& state) : state_(state) {}
  SendOutcome<AwsCredentials> read(std::time_t now) override {
    ++state_.reads;
    if (state_.fails) return SendFailure(Failure(ErrorCode::io, "down"), Remedy::wait);
    AwsCredentials credentials;
    credentials.access_key = "K" + std::to_string(state_.changes ? state_.reads : 1);
    credentials.secret_key = "S";
    credentials.expires = now + 3600;
    return credentials;
  }

 private:
  State& state_;
};

TEST(RenewingCredentials, are_asked_for_again_five_minutes_before_their_end) {
  CountingSource::State state;
  RenewingCredentials credentials(std::make_unique<CountingSource>(state));
  EXPECT_EQ((*credentials.current(0))->access_key, "K1");
  EXPECT_EQ((*credentials.current(3299))->access_key, "K1");
  EXPECT_EQ((*credentials.current(3300))->access_key, "K2");
}

TEST(RenewingCredentials, stay_in_use_until_their_end_while_the_source_is_down) {
  CountingSource::State state;
  RenewingCredentials credentials(std::make_unique<CountingSource>(state));
  ASSERT_TRUE(credentials.current(0).has_value());
  state.fails = true;
  EXPECT_TRUE(credentials.current(3599).has_value());
  EXPECT_FALSE(credentials.current(3600).has_value());
}

TEST(RenewingCredentials, that_were_refused_are_worth_another_attempt_only_when_others_are_there) {
  CountingSource::State state;
  RenewingCredentials credentials(std::make_unique<CountingSource>(state));
  const auto first = *credentials.current(0);
  EXPECT_TRUE(*credentials.renew(first, 1));
  EXPECT_TRUE(*credentials.renew(first, 1));  // another thread's doing
  EXPECT_EQ(state.reads, 2);
  state.changes = false;
  const auto second = *credentials.current(1);
  EXPECT_TRUE(*credentials.renew(second, 2));
  const auto third = *credentials.current(2);
  EXPECT_FALSE(*credentials.renew(third, 3));
}

}  // namespace
}  // namespace warmdump
