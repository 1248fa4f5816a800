#include "upload/http_destination.h"

#include <fmt/format.h>

#include <ctime>

namespace warmdump {
namespace {

constexpr std::size_t kQuotedMax = 200;

std::string quotable(std::string_view text) {
  std::string clean;
  for (const char c : text.substr(0, kQuotedMax)) clean += c >= ' ' && c < 0x7f ? c : ' ';
  while (clean.ends_with(' ')) clean.pop_back();
  return clean;
}

// What the server says about the reason, when it is meant for people or programs and not a page of HTML.
std::string explanation(const HttpAnswer& answer) {
  const bool readable =
      answer.content_type.starts_with("text/plain") || answer.content_type.starts_with("application/json");
  const std::string text = readable ? quotable(answer.body) : "";
  return text.empty() ? "" : ": " + text;
}

const char* advice(unsigned status) {
  switch (status) {
    case 401:
      return "; check --credentials-file";
    case 403:
      return "; this client may not write there";
    case 404:
    case 409:
      return "; does the path exist on the server, and does it create missing directories?";
    case 405:
    case 501:
      return "; the server does not take PUT at this address";
    case 407:
      return "; a proxy is in the way";
    case 413:
      return "; the server's size limit is too small for this file";
    case 507:
      return "; the server is out of space";
    default:
      return "";
  }
}

SendFailure failure_of(const HttpAnswer& answer) {
  const auto meaning = meaning_of_status(answer.status);
  const std::string status = fmt::format("the server answered {} {}", answer.status, quotable(answer.reason));
  if (meaning == StatusMeaning::redirect) {
    return Failure(ErrorCode::refused,
                   fmt::format("{}, a redirect to \"{}\"; redirects are not followed, give the final address",
                               status, quotable(redacted(answer.location))));
  }
  SendFailure failure(Failure(ErrorCode::io, status + explanation(answer) + advice(answer.status)));
  if (meaning == StatusMeaning::temporary) {
    failure.outlook = Outlook::temporary;
    failure.retry_after = parse_retry_after(answer.retry_after, std::time(nullptr));
  }
  return failure;
}

class HttpDestination final : public Destination {
 public:
  HttpDestination(Url url, std::unique_ptr<HttpTransport> transport, std::unique_ptr<Credentials> credentials)
      : url_(std::move(url)), transport_(std::move(transport)), credentials_(std::move(credentials)) {}

  std::string name() const override { return url_.text(); }

  SendOutcome<Begun> begin(const DumpDirectory&) override { return Begun::ready; }

  SendOutcome<void> send(const DumpDirectory& dump, const DumpFile& file, const BytesDone& done) override {
    const OpenedFile opened = TRY(open_unchanged(dump, file));
    HttpPut request;
    request.url = url_.child(dump.name).child(file.name);
    request.headers = {{"Content-Type", "application/octet-stream"},
                       {"User-Agent", "warmdump/" WARMDUMP_VERSION}};
    if (credentials_) request.headers.emplace_back("Authorization", credentials_->authorization());
    request.body = &opened;
    request.body_bytes = file.size;
    request.done = done;

    auto answer = transport_->put(request);
    const std::string step = "cannot send " + request.url.text();
    if (!answer.has_value()) {
      SendFailure failure = std::move(answer.error());
      failure.failure = std::move(failure.failure).in(step);
      return failure;
    }
    if (meaning_of_status(answer->status) != StatusMeaning::stored) {
      SendFailure failure = failure_of(*answer);
      failure.failure = std::move(failure.failure).in(step);
      return failure;
    }
    TRY(opened.check_unchanged());
    return {};
  }

  SendOutcome<void> commit() override { return {}; }
  void abandon() override {}

 private:
  Url url_;
  std::unique_ptr<HttpTransport> transport_;
  std::unique_ptr<Credentials> credentials_;
};

}  // namespace

std::unique_ptr<Destination> make_http_destination(Url url, std::unique_ptr<HttpTransport> transport,
                                                   std::unique_ptr<Credentials> credentials) {
  return std::make_unique<HttpDestination>(std::move(url), std::move(transport), std::move(credentials));
}

Outcome<std::unique_ptr<Destination>> make_http_destination(const std::string& address,
                                                            const DestinationOptions& options) {
  const Url url = TRY(parse_url(address));
  if (!url.is_https && !options.ca_file.empty()) {
    return Failure(ErrorCode::invalid, "--ca-file has no meaning for http://; use https://");
  }
  std::unique_ptr<Credentials> credentials;
  if (!options.credentials_file.empty()) {
    if (!url.is_https) {
      return Failure(ErrorCode::refused,
                     "credentials are not sent over http://, anybody could read them; "
                     "use https://");
    }
    credentials = std::make_unique<Credentials>(TRY(read_credentials_file(options.credentials_file)));
  }
  auto transport = TRY(make_http_transport(url.is_https, options.ca_file, HttpLimits{}));
  return make_http_destination(url, std::move(transport), std::move(credentials));
}

}  // namespace warmdump
