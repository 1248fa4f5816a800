#include <fmt/format.h>

#include "upload/destination/s3/credentials_sources.h"
#include "upload/destination/s3/s3_answers.h"
#include "upload/destination/s3/s3_error.h"
#include "upload/destination/s3/sigv4.h"
#include "upload/wire/secret_file.h"

namespace warmdump {
namespace {

constexpr ByteCount kTokenMax = 32 * kKiB;

// A body that carries a secret.
class SecretBody final : public ByteSource {
 public:
  explicit SecretBody(std::string text) : text_(std::move(text)) {}
  ~SecretBody() override { wipe_text(text_); }
  ByteCount size() const { return text_.size(); }
  Outcome<std::size_t> read(ByteCount offset, std::span<std::byte> target) const override {
    if (offset >= text_.size()) return std::size_t{0};
    const auto part = std::as_bytes(std::span(text_)).subspan(offset);
    const std::size_t size = std::min(part.size(), target.size());
    std::copy_n(part.begin(), size, target.begin());
    return size;
  }

 private:
  std::string text_;
};

class WebIdentitySource final : public AwsCredentialsSource {
 public:
  WebIdentitySource(WebIdentity identity, MakeTransport make_transport)
      : identity_(std::move(identity)), make_transport_(std::move(make_transport)) {}

  SendOutcome<AwsCredentials> read(std::time_t now) override {
    auto token = read_secret_file(identity_.token_file, "identity token", kTokenMax);
    if (!token.has_value()) return SendFailure(std::move(token.error()), Remedy::change_sink);
    std::string& text = (*token)->text();
    while (text.ends_with('\n') || text.ends_with('\r')) text.pop_back();
    const SecretBody form(
        fmt::format("Action=AssumeRoleWithWebIdentity&RoleArn={}&RoleSessionName=warmdump&Version=2011-06-15&"
                    "WebIdentityToken={}",
                    uri_encoded(identity_.role_arn), uri_encoded(text)));
    const std::string step =
        "cannot get credentials for " + identity_.role_arn + " from " + identity_.sts.text();
    auto answer = ask(form);
    if (!answer.has_value()) return std::move(answer.error()).in(step);
    const WipedText body(std::move(answer->body));
    if (answer->status != 200) {
      answer->body = body.text();
      return s3_failure(*answer, now).in(step);
    }
    auto parsed = parse_sts_credentials(body.text());
    if (!parsed.has_value()) return SendFailure(std::move(parsed.error()), Remedy::wait).in(step);
    AwsCredentials credentials;
    credentials.access_key = std::move(parsed->access_key);
    credentials.secret_key = std::move(parsed->secret_key);
    credentials.session_token = std::move(parsed->session_token);
    credentials.expires = parsed->expires;
    return credentials;
  }

 private:
  SendOutcome<HttpAnswer> ask(const SecretBody& form) {
    if (!transport_) {
      auto transport = make_transport_(identity_.sts, false);
      if (!transport.has_value()) return SendFailure(std::move(transport.error()), Remedy::change_sink);
      transport_ = std::move(*transport);
    }
    HttpRequest request;
    request.method = "POST";
    request.url = identity_.sts;
    request.headers = {{"Content-Type", "application/x-www-form-urlencoded"},
                       {"User-Agent", "warmdump/" WARMDUMP_VERSION}};
    request.body = &form;
    request.body_bytes = form.size();
    return transport_->exchange(request);
  }

  WebIdentity identity_;
  MakeTransport make_transport_;
  std::unique_ptr<HttpTransport> transport_;
};

}  // namespace

std::unique_ptr<AwsCredentialsSource> make_web_identity_source(WebIdentity identity,
                                                               MakeTransport make_transport) {
  return std::make_unique<WebIdentitySource>(std::move(identity), std::move(make_transport));
}

}  // namespace warmdump
