#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "common/hosted/ascii.h"
#include "upload/destination/s3/credentials_sources.h"
#include "upload/destination/s3/s3_answers.h"
#include "upload/wire/secret_file.h"

namespace warmdump {
namespace {

constexpr ByteCount kTokenMax = 16 * kKiB;

SendFailure unexpected_status(const HttpAnswer& answer) {
  const bool is_temporary = answer.status >= 500 || answer.status == 429;
  return {Failure(ErrorCode::refused, fmt::format("the service answered {}", answer.status)),
          is_temporary ? Remedy::wait : Remedy::change_sink};
}

SendOutcome<AwsCredentials> credentials_of(HttpAnswer&& answer) {
  const WipedText body(std::move(answer.body));
  auto credentials = parse_json_credentials(body.text());
  if (credentials.has_value()) return std::move(*credentials);
  return SendFailure(std::move(credentials.error()), Remedy::change_sink);
}

// A service of this machine: short answers, no proxy.
class LocalService {
 public:
  LocalService(Url url, MakeTransport make_transport)
      : url_(std::move(url)), make_transport_(std::move(make_transport)) {}

  const Url& url() const { return url_; }

  // `path` is below the url. Any status but 200 is a failure.
  SendOutcome<HttpAnswer> ask(const std::string& method, const std::string& path, const std::string& query,
                              const NamesAndValues& headers) {
    if (!transport_) {
      auto transport = make_transport_(url_, true);
      if (!transport.has_value()) return SendFailure(std::move(transport.error()), Remedy::change_sink);
      transport_ = std::move(*transport);
    }
    HttpRequest request;
    request.method = method;
    request.url = url_;
    request.url.path += path;
    request.query = query;
    request.headers = headers;
    request.answer_limit = std::chrono::seconds(5);
    auto answer = transport_->exchange(request);
    if (answer.has_value() && answer->status != 200) return unexpected_status(*answer);
    return answer;
  }

 private:
  Url url_;
  MakeTransport make_transport_;
  std::unique_ptr<HttpTransport> transport_;
};

class ContainerSource final : public AwsCredentialsSource {
 public:
  ContainerSource(ContainerEndpoint endpoint, MakeTransport make_transport)
      : endpoint_(std::move(endpoint)), service_(endpoint_.url, std::move(make_transport)) {}
  ~ContainerSource() override { wipe_text(endpoint_.token); }

  SendOutcome<AwsCredentials> read(std::time_t) override {
    const std::string step = "cannot get credentials from " + endpoint_.url.text();
    NamesAndValues headers;
    if (!endpoint_.token_file.empty()) {
      auto token = read_secret_file(endpoint_.token_file, "authorization token", kTokenMax);
      if (!token.has_value()) return SendFailure(std::move(token.error()), Remedy::change_sink).in(step);
      std::string& text = (*token)->text();
      while (text.ends_with('\n') || text.ends_with('\r')) text.pop_back();
      headers.emplace_back("Authorization", text);
    } else if (!endpoint_.token.empty()) {
      headers.emplace_back("Authorization", endpoint_.token);
    }
    auto answer = service_.ask("GET", "", endpoint_.query, headers);
    for (auto& header : headers) wipe_text(header.second);
    if (!answer.has_value()) return std::move(answer.error()).in(step);
    auto credentials = credentials_of(std::move(*answer));
    if (!credentials.has_value()) return std::move(credentials.error()).in(step);
    return credentials;
  }

 private:
  ContainerEndpoint endpoint_;
  LocalService service_;
};

class InstanceSource final : public AwsCredentialsSource {
 public:
  InstanceSource(Url service, MakeTransport make_transport)
      : service_(std::move(service), std::move(make_transport)) {}

  SendOutcome<AwsCredentials> read(std::time_t) override {
    auto credentials = fetch();
    if (credentials.has_value()) return credentials;
    return std::move(credentials.error())
        .in("cannot get credentials from the metadata service of the instance, " + service_.url().text());
  }

 private:
  SendOutcome<AwsCredentials> fetch() {
    const std::string roles = "/latest/meta-data/iam/security-credentials/";
    auto token =
        TRY(service_.ask("PUT", "/latest/api/token", "", {{"X-aws-ec2-metadata-token-ttl-seconds", "300"}}));
    const NamesAndValues headers = {{"X-aws-ec2-metadata-token", token.body}};
    const auto role_answer = TRY(service_.ask("GET", roles, "", headers));
    const std::string role = role_answer.body.substr(0, role_answer.body.find_first_of("\r\n"));
    const bool is_name = !role.empty() && role.size() <= 128 && has_only_alphanumerics_and("+=,.@-_", role);
    if (!is_name) return SendFailure(Failure(ErrorCode::not_found, "it has no role"), Remedy::change_sink);
    return credentials_of(TRY(service_.ask("GET", roles + encoded_path(role), "", headers)));
  }

  LocalService service_;
};

}  // namespace

Outcome<AwsCredentials> parse_json_credentials(std::string_view text) {
  const auto json = nlohmann::json::parse(text, nullptr, false);
  const auto member = [&json](const char* name) -> std::string {
    if (!json.is_object() || !json.contains(name) || !json[name].is_string()) return {};
    return json[name].get<std::string>();
  };
  AwsCredentials credentials;
  credentials.access_key = member("AccessKeyId");
  credentials.secret_key = member("SecretAccessKey");
  credentials.session_token = member("Token");
  credentials.expires = parse_iso_time(member("Expiration"));
  TRY(check_credentials(credentials));
  return credentials;
}

std::unique_ptr<AwsCredentialsSource> make_container_source(ContainerEndpoint endpoint,
                                                            MakeTransport make_transport) {
  return std::make_unique<ContainerSource>(std::move(endpoint), std::move(make_transport));
}

std::unique_ptr<AwsCredentialsSource> make_instance_source(Url service, MakeTransport make_transport) {
  return std::make_unique<InstanceSource>(std::move(service), std::move(make_transport));
}

}  // namespace warmdump
