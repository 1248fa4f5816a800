#include "upload/destination/s3/s3_error.h"

#include <fmt/format.h>

#include <ctime>

#include "upload/destination/s3/s3_answers.h"
#include "upload/transfer/retry_policy.h"

namespace warmdump {
namespace {

struct Row {
  std::string_view code;
  Remedy remedy;
  S3Repair repair = S3Repair::none;
  std::string_view advice = {};
};

constexpr std::string_view kCheckKeys = "check the access key and the secret in the credentials file";
constexpr std::string_view kMayNotWrite =
    "these credentials may not do that there; they need s3:PutObject, s3:AbortMultipartUpload and "
    "s3:ListMultipartUploadParts below the prefix";
constexpr std::string_view kCheckRegion = "check the region and the endpoint";

// To add one: a row here; its answer in tests/upload/s3_error_test.cc.
constexpr Row kRows[] = {
    // Busy, or broken for a moment.
    {"InternalError", Remedy::wait},
    {"OperationAborted", Remedy::wait},
    {"RequestTimeout", Remedy::wait},
    {"ServiceUnavailable", Remedy::wait},
    {"SlowDown", Remedy::wait},
    {"SlowDownRead", Remedy::wait},
    {"SlowDownWrite", Remedy::wait},
    {"Throttling", Remedy::wait},
    {"TooManyRequests", Remedy::wait},
    {"IncompleteBody", Remedy::wait},
    // Damaged on the way.
    {"BadDigest", Remedy::read_again},
    {"InvalidDigest", Remedy::read_again},
    {"XAmzContentChecksumMismatch", Remedy::read_again},
    {"XAmzContentSHA256Mismatch", Remedy::read_again},
    // The multipart upload is gone, or does not go on.
    {"NoSuchUpload", Remedy::begin_again},
    {"NoSuchKey", Remedy::begin_again},
    {"InvalidPart", Remedy::begin_again},
    {"InvalidPartOrder", Remedy::begin_again},
    {"EntityTooSmall", Remedy::begin_again},
    // Time and place.
    {"RequestTimeTooSkewed", Remedy::set_time, S3Repair::use_time, "the clocks differ too much"},
    {"RequestExpired", Remedy::set_time, S3Repair::use_time, "the clocks differ too much"},
    {"AuthorizationHeaderMalformed", Remedy::change_sink, S3Repair::use_region, kCheckRegion},
    {"PermanentRedirect", Remedy::change_sink, S3Repair::use_region, kCheckRegion},
    {"Redirect", Remedy::change_sink, S3Repair::use_region, kCheckRegion},
    {"TemporaryRedirect", Remedy::wait, S3Repair::use_region, kCheckRegion},
    {"IllegalLocationConstraintException", Remedy::change_sink, S3Repair::use_region, kCheckRegion},
    // Who we are.
    {"ExpiredToken", Remedy::change_sink, S3Repair::renew_credentials, "the session token has expired"},
    {"ExpiredTokenException", Remedy::change_sink, S3Repair::renew_credentials,
     "the identity token has expired"},
    {"TokenRefreshRequired", Remedy::change_sink, S3Repair::renew_credentials,
     "the session token has expired"},
    {"InvalidToken", Remedy::change_sink, S3Repair::renew_credentials, kCheckKeys},
    {"InvalidAccessKeyId", Remedy::change_sink, S3Repair::renew_credentials, kCheckKeys},
    {"SignatureDoesNotMatch", Remedy::change_sink, S3Repair::renew_credentials, kCheckKeys},
    {"AccessDenied", Remedy::change_sink, S3Repair::renew_credentials, kMayNotWrite},
    {"AllAccessDisabled", Remedy::change_sink, S3Repair::none, kMayNotWrite},
    {"AccountProblem", Remedy::change_sink},
    {"InvalidIdentityToken", Remedy::change_sink, S3Repair::none, "check the file with the identity token"},
    // What the bucket is.
    {"NoSuchBucket", Remedy::change_sink, S3Repair::none, "create the bucket, or correct its name"},
    {"InvalidBucketName", Remedy::change_sink, S3Repair::none, "correct the bucket's name"},
    {"MethodNotAllowed", Remedy::change_sink, S3Repair::none, "is this the address of an S3 service?"},
    {"NotImplemented", Remedy::change_sink, S3Repair::none,
     "the service lacks what was asked for: try checksum = \"none\" and no server-side encryption"},
    {"QuotaExceeded", Remedy::change_sink, S3Repair::none, "the bucket is full"},
    {"XMinioStorageFull", Remedy::change_sink, S3Repair::none, "the service is full"},
    // What this dump is.
    {"EntityTooLarge", Remedy::give_dump_up, S3Repair::none, "the service takes no object of this size"},
    {"KeyTooLongError", Remedy::give_dump_up, S3Repair::none, "shorten the prefix"},
    {"MetadataTooLarge", Remedy::give_dump_up},
};

constexpr Row kByStatus[] = {
    {"status 301", Remedy::change_sink, S3Repair::use_region, kCheckRegion},
    {"status 307", Remedy::wait, S3Repair::use_region, kCheckRegion},
    {"status 401", Remedy::change_sink, S3Repair::renew_credentials, kCheckKeys},
    {"status 403", Remedy::change_sink, S3Repair::renew_credentials, kMayNotWrite},
    {"status 407", Remedy::change_sink, S3Repair::none, "a proxy wants credentials"},
    {"status 413", Remedy::give_dump_up, S3Repair::none,
     "something on the way takes no request of this size"},
    {"status 507", Remedy::change_sink, S3Repair::none, "the service is full"},
};

std::optional<std::chrono::seconds> offset_of_clock(const HttpAnswer& answer, std::time_t now) {
  std::tm date{};
  const std::string text(answer.header("date"));
  const char* rest = strptime(text.c_str(), "%a, %d %b %Y %H:%M:%S GMT", &date);
  if (rest == nullptr || *rest != '\0') return {};
  return std::chrono::seconds(timegm(&date) - now);
}

}  // namespace

S3ErrorMeaning meaning_of_s3_error(unsigned status, std::string_view code) {
  for (const Row& row : kRows) {
    if (row.code == code) return {std::string(code), row.remedy, row.repair, row.advice};
  }
  const std::string by_status = fmt::format("status {}", status);
  const std::string name = code.empty() ? by_status : std::string(code);
  for (const Row& row : kByStatus) {
    if (row.code == by_status) return {name, row.remedy, row.repair, row.advice};
  }
  const bool is_temporary = meaning_of_status(status) == StatusMeaning::temporary;
  return {name, is_temporary ? Remedy::wait : Remedy::change_sink, S3Repair::none, ""};
}

SendFailure s3_failure(const HttpAnswer& answer, std::time_t now) {
  const auto body = parse_s3_error(answer.body);
  const unsigned status = answer.status >= 200 && answer.status < 300 ? 500 : answer.status;
  const auto meaning = meaning_of_s3_error(status, body ? body->code : "");
  std::string message = fmt::format("the server answered {}", answer.status);
  if (body && !body->code.empty()) message += " " + body->code;
  if (body && !body->message.empty()) message += ": " + body->message;
  if (!meaning.advice.empty()) message += "; " + std::string(meaning.advice);
  SendFailure failure(
      Failure(meaning.remedy == Remedy::change_sink ? ErrorCode::refused : ErrorCode::io, message),
      meaning.remedy);
  failure.http_status = answer.status;
  failure.server_code = meaning.code;
  if (is_temporary(failure)) failure.retry_after = parse_retry_after(answer.header("retry-after"), now);
  if (meaning.remedy == Remedy::set_time) failure.clock_offset = offset_of_clock(answer, now);
  return failure;
}

}  // namespace warmdump
