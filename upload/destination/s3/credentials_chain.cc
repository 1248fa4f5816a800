#include <cstdlib>
#include <filesystem>

#include "common/hosted/secret.h"
#include "upload/destination/s3/credentials_sources.h"

namespace warmdump {
namespace {

constexpr const char* kContainerHost = "http://169.254.170.2";
constexpr const char* kInstanceService = "http://169.254.169.254";

Failure bad(const std::string& why) {
  return Failure(ErrorCode::invalid, why);
}

bool is_loopback(const Url& url) {
  return url.host == "localhost" || url.host == "::1" ||
         (url.host_is_address && url.host.starts_with("127."));
}

// Keys of the environment stay what they were when the program began.
class FixedSource final : public AwsCredentialsSource {
 public:
  explicit FixedSource(AwsCredentials credentials) : credentials_(std::move(credentials)) {}
  SendOutcome<AwsCredentials> read(std::time_t) override {
    AwsCredentials copy;
    copy.access_key = credentials_.access_key;
    copy.secret_key = credentials_.secret_key;
    copy.session_token = credentials_.session_token;
    return copy;
  }

 private:
  AwsCredentials credentials_;
};

Outcome<std::unique_ptr<AwsCredentialsSource>> web_identity(const CredentialsOptions& options,
                                                            const std::string& role_arn,
                                                            const std::string& token_file,
                                                            MakeTransport make_transport) {
  if (role_arn.empty() || token_file.empty()) {
    return bad("role_arn and web_identity_token_file belong together");
  }
  const std::string region = options.region.empty() ? "us-east-1" : options.region;
  const std::string domain = region.starts_with("cn-") ? ".amazonaws.com.cn" : ".amazonaws.com";
  const Url sts =
      TRY(in_context("sts_endpoint", parse_url(options.sts_endpoint.empty() ? "https://sts." + region + domain
                                                                            : options.sts_endpoint)));
  if (!sts.is_https && !is_loopback(sts)) {
    return Failure(ErrorCode::refused,
                   "sts_endpoint: an identity token is not sent over http://, anybody could read it");
  }
  return make_web_identity_source({role_arn, token_file, sts}, std::move(make_transport));
}

// An address of the environment may have a query.
Outcome<ContainerEndpoint> container_endpoint(const std::string& address) {
  const auto question = std::min(address.find('?'), address.size());
  ContainerEndpoint endpoint;
  endpoint.url = TRY(parse_url(address.substr(0, question)));
  if (question < address.size()) endpoint.query = address.substr(question + 1);
  for (const char c : endpoint.query) {
    if (c <= ' ' || c >= 0x7f || c == '#')
      return bad("the query has a character that must be percent-encoded");
  }
  const bool is_of_container = endpoint.url.host == "169.254.170.2" ||
                               endpoint.url.host == "169.254.170.23" || endpoint.url.host == "fd00:ec2::23";
  if (!endpoint.url.is_https && !is_loopback(endpoint.url) && !is_of_container) {
    return Failure(ErrorCode::refused, "keys are not fetched over http:// from another machine");
  }
  return endpoint;
}

Outcome<std::unique_ptr<AwsCredentialsSource>> from_environment(const CredentialsOptions& options,
                                                                const Environment& environment,
                                                                MakeTransport make_transport) {
  if (const auto access_key = environment("AWS_ACCESS_KEY_ID")) {
    AwsCredentials credentials;
    credentials.access_key = *access_key;
    credentials.secret_key = environment("AWS_SECRET_ACCESS_KEY").value_or("");
    credentials.session_token = environment("AWS_SESSION_TOKEN").value_or("");
    TRY(in_context("AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY", check_credentials(credentials)));
    return std::unique_ptr<AwsCredentialsSource>(std::make_unique<FixedSource>(std::move(credentials)));
  }
  const auto token_file = environment("AWS_WEB_IDENTITY_TOKEN_FILE");
  const auto role_arn = environment("AWS_ROLE_ARN");
  if (token_file && role_arn) return web_identity(options, *role_arn, *token_file, std::move(make_transport));
  auto uri = environment("AWS_CONTAINER_CREDENTIALS_FULL_URI");
  if (const auto relative = environment("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"))
    uri = kContainerHost + *relative;
  if (uri) {
    auto endpoint = TRY(in_context("AWS_CONTAINER_CREDENTIALS_*_URI", container_endpoint(*uri)));
    endpoint.token_file = environment("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE").value_or("");
    endpoint.token = environment("AWS_CONTAINER_AUTHORIZATION_TOKEN").value_or("");
    return make_container_source(std::move(endpoint), std::move(make_transport));
  }
  return bad(
      "credentials_from = \"environment\", but neither AWS_ACCESS_KEY_ID, nor AWS_WEB_IDENTITY_TOKEN_FILE "
      "with "
      "AWS_ROLE_ARN, nor AWS_CONTAINER_CREDENTIALS_FULL_URI is set");
}

}  // namespace

Environment process_environment() {
  return [](const std::string& name) -> std::optional<std::string> {
    const char* value = secure_getenv(name.c_str());
    if (value == nullptr || *value == '\0') return {};
    return std::string(value);
  };
}

Outcome<std::unique_ptr<AwsCredentialsSource>> make_credentials_source(const CredentialsOptions& options,
                                                                       const Environment& environment,
                                                                       MakeTransport make_transport) {
  const bool has_role = !options.role_arn.empty() || !options.web_identity_token_file.empty();
  if (!options.credentials_from.empty() && (!options.credentials_file.empty() || has_role)) {
    return bad("credentials_from does not go with credentials_file, role_arn or web_identity_token_file");
  }
  if (!options.credentials_file.empty() && has_role) return bad("credentials_file does not go with role_arn");
  if (options.credentials_from == "environment")
    return from_environment(options, environment, std::move(make_transport));
  if (options.credentials_from == "instance") {
    return make_instance_source(TRY(parse_url(kInstanceService)), std::move(make_transport));
  }
  if (!options.credentials_from.empty()) return bad("credentials_from is \"environment\" or \"instance\"");
  if (has_role) {
    return web_identity(options, options.role_arn, options.web_identity_token_file,
                        std::move(make_transport));
  }
  if (!options.credentials_file.empty())
    return make_credentials_file_source(options.credentials_file, options.profile);
  const auto home = environment("HOME");
  const std::string shared_file = home.value_or("") + "/.aws/credentials";
  std::error_code error;
  if (!home || !std::filesystem::exists(std::filesystem::symlink_status(shared_file, error))) {
    return bad("s3:// needs credentials: give a credentials_file" +
               (home ? "; there is no " + shared_file + " either" : ""));
  }
  return make_credentials_file_source(shared_file, options.profile);
}

}  // namespace warmdump
