#include "upload/destination/s3/s3_client.h"

#include "common/hosted/secret.h"
#include "upload/destination/s3/s3_answers.h"

namespace warmdump {
namespace {

constexpr std::string_view kEmptySha256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
constexpr std::string_view kService = "s3";
constexpr std::chrono::seconds kOffsetThatMatters{60};

bool is_success(unsigned status) {
  return status >= 200 && status < 300;
}

}  // namespace

S3Client::S3Client(S3Place place, std::unique_ptr<AwsCredentialsSource> credentials,
                   std::unique_ptr<HttpTransport> transport, Clock& clock)
    : place_(std::move(place)),
      credentials_(std::move(credentials)),
      transport_(std::move(transport)),
      clock_(clock),
      region_(place_.region) {}

SendOutcome<HttpAnswer> S3Client::call(const S3Request& request) {
  Tried tried;
  for (;;) {
    const std::time_t now = std::chrono::system_clock::to_time_t(clock_.now());
    const auto held = TRY(credentials_.current(now));
    auto answer = TRY(attempt(request, *held, now));
    if (is_success(answer.status)) return answer;
    SendFailure failure = s3_failure(answer, now);
    failure.failure.message = held->without_secrets(std::move(failure.failure.message));
    const auto repair = meaning_of_s3_error(answer.status, failure.server_code).repair;
    if (!mend(repair, answer, failure, held, tried, now)) return failure;
  }
}

SendOutcome<HttpAnswer> S3Client::attempt(const S3Request& request, const AwsCredentials& credentials,
                                          std::time_t now) {
  std::unique_lock lock(mutex_);
  const std::string region = region_;
  const std::time_t their_now = now + clock_offset_.count();
  lock.unlock();

  HttpRequest out;
  out.method = request.method;
  out.url = place_.url(request.key, region);
  out.query = encoded_query(request.query);
  out.headers = request.headers;
  const std::string payload = request.body_sha256.empty() ? std::string(kEmptySha256) : request.body_sha256;
  out.headers.emplace_back("x-amz-date", amz_date(their_now));
  out.headers.emplace_back("x-amz-content-sha256", payload);
  if (!credentials.session_token.empty()) {
    out.headers.emplace_back("x-amz-security-token", credentials.session_token);
  }
  RequestToSign to_sign{request.method, out.url.path, request.query, out.headers, payload};
  to_sign.headers.emplace_back("host", out.url.authority());
  const Signature signature =
      TRY(sign(to_sign, {credentials.access_key, credentials.secret_key}, {region, kService, their_now}));
  out.headers.emplace_back("Authorization", signature.authorization);
  out.headers.emplace_back("User-Agent", "warmdump/" WARMDUMP_VERSION);
  out.body = request.body;
  out.body_offset = request.body_offset;
  out.body_bytes = request.body_bytes;
  out.done = request.done;
  out.answer_limit = request.answer_limit;
  auto answer = transport_->exchange(out);
  for (auto* headers : {&out.headers, &to_sign.headers}) {
    for (auto& [name, value] : *headers) wipe_text(value);
  }
  return answer;
}

bool S3Client::mend(S3Repair repair, const HttpAnswer& answer, const SendFailure& failure,
                    const RenewingCredentials::Held& refused, Tried& tried, std::time_t now) {
  switch (repair) {
    case S3Repair::none:
      return false;
    case S3Repair::renew_credentials: {
      if (std::exchange(tried.credentials, true)) return false;
      const auto renewed = credentials_.renew(refused, now);
      return renewed.has_value() && *renewed;
    }
    case S3Repair::use_region:
      return !std::exchange(tried.region, true) && use_region_of(answer);
    case S3Repair::use_time:
      return !std::exchange(tried.time, true) && use_time_of(failure);
  }
  return false;
}

bool S3Client::use_region_of(const HttpAnswer& answer) {
  std::string region(answer.header("x-amz-bucket-region"));
  if (region.empty()) {
    if (const auto body = parse_s3_error(answer.body)) region = body->region;
  }
  const std::lock_guard guard(mutex_);
  if (!is_region(region) || region == region_) return false;
  region_ = region;
  return true;
}

bool S3Client::use_time_of(const SendFailure& failure) {
  if (!failure.clock_offset) return false;
  const std::lock_guard guard(mutex_);
  const auto change = *failure.clock_offset - clock_offset_;
  if (change < kOffsetThatMatters && change > -kOffsetThatMatters) return false;
  clock_offset_ = *failure.clock_offset;
  return true;
}

}  // namespace warmdump
