#include "upload/destination/s3/s3_answers.h"

#include <charconv>

#include "common/hosted/ascii.h"
#include "upload/destination/s3/xml_scanner.h"

namespace warmdump {
namespace {

constexpr std::size_t kCodeMax = 64;
constexpr std::size_t kMessageMax = 200;
constexpr std::size_t kRegionMax = 32;
constexpr std::size_t kUploadIdMax = 1024;
constexpr std::size_t kEtagMax = 128;
constexpr std::size_t kSecretMax = 4096;

template <class Number>
std::optional<Number> number_of(std::string_view text, Number least, Number most) {
  Number number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size()) return {};
  if (number < least || number > most) return {};
  return number;
}

Failure bad_answer(const std::string& what) {
  return Failure(ErrorCode::corrupt, "the answer has no proper " + what);
}

std::string_view last_name(std::string_view path) {
  const auto slash = path.rfind('/');
  return slash == std::string_view::npos ? path : path.substr(slash + 1);
}

}  // namespace

std::string plain_etag(std::string_view text) {
  if (text.starts_with("W/")) text.remove_prefix(2);
  if (text.size() >= 2 && text.front() == '"' && text.back() == '"') text = text.substr(1, text.size() - 2);
  return text.size() <= kEtagMax && has_only_alphanumerics_and("-_+/=.:", text) ? std::string(text)
                                                                                : std::string();
}

std::optional<S3ErrorBody> parse_s3_error(std::string_view body) {
  S3ErrorBody error;
  bool is_error = false;
  const auto scanned =
      for_each_element(body, [&](std::string_view path, std::string_view text) -> Outcome<void> {
        is_error |= path == "Error" || path == "ErrorResponse/Error";
        if (!path.starts_with("Error")) return {};
        const auto name = last_name(path);
        if (name == "Code" && text.size() <= kCodeMax && has_only_alphanumerics_and("._-", text))
          error.code = text;
        if (name == "Region" && text.size() <= kRegionMax && has_only_alphanumerics_and("-", text))
          error.region = text;
        if (name == "Message") {
          error.message.clear();
          for (const char c : text.substr(0, kMessageMax)) error.message += c >= ' ' && c < 0x7f ? c : ' ';
        }
        return {};
      });
  if (!scanned.has_value() || !is_error) return {};
  return error;
}

Outcome<std::string> parse_upload_id(std::string_view body) {
  std::string id;
  TRY(for_each_element(body, [&](std::string_view path, std::string_view text) -> Outcome<void> {
    if (path == "InitiateMultipartUploadResult/UploadId") id = text;
    return {};
  }));
  if (id.empty() || id.size() > kUploadIdMax || !is_visible(id)) return bad_answer("UploadId");
  return id;
}

Outcome<PartList> parse_part_list(std::string_view body, unsigned marker) {
  PartList list;
  ListedPart part;
  bool is_list = false;
  bool is_truncated = false;
  std::optional<unsigned> next;
  TRY(for_each_element(body, [&](std::string_view path, std::string_view text) -> Outcome<void> {
    if (path == "ListPartsResult/Part/PartNumber") {
      const auto number = number_of(text, 1u, kPartNumberMax);
      if (!number) return bad_answer("PartNumber");
      part.number = *number;
    } else if (path == "ListPartsResult/Part/Size") {
      const auto size = number_of(text, ByteCount{0}, ByteCount{1} << 50);
      if (!size) return bad_answer("Size");
      part.size = *size;
    } else if (path == "ListPartsResult/Part/ETag") {
      part.etag = plain_etag(text);
    } else if (path == "ListPartsResult/Part/ChecksumCRC32C" ||
               path == "ListPartsResult/Part/ChecksumSHA256") {
      part.checksum = plain_etag(text);
    } else if (path == "ListPartsResult/Part") {
      if (part.number == 0) return bad_answer("PartNumber");
      list.parts.push_back(std::move(part));
      part = {};
    } else if (path == "ListPartsResult/IsTruncated") {
      is_truncated = text == "true";
    } else if (path == "ListPartsResult/NextPartNumberMarker") {
      next = number_of(text, 0u, kPartNumberMax);
    } else if (path == "ListPartsResult") {
      is_list = true;
    }
    return {};
  }));
  if (!is_list) return bad_answer("ListPartsResult");
  if (is_truncated) {
    if (!next || *next <= marker) return bad_answer("NextPartNumberMarker");
    list.next_marker = next;
  }
  return list;
}

Outcome<std::string> parse_completed(std::string_view body) {
  std::string etag;
  bool is_result = false;
  TRY(for_each_element(body, [&](std::string_view path, std::string_view text) -> Outcome<void> {
    if (path == "CompleteMultipartUploadResult/ETag") etag = plain_etag(text);
    is_result |= path == "CompleteMultipartUploadResult";
    return {};
  }));
  if (!is_result) return bad_answer("CompleteMultipartUploadResult");
  return etag;
}

Outcome<StsCredentials> parse_sts_credentials(std::string_view body) {
  StsCredentials found;
  std::optional<std::time_t> expires;
  TRY(for_each_element(body, [&](std::string_view path, std::string_view text) -> Outcome<void> {
    if (path.find("/Credentials/") == std::string_view::npos || text.size() > kSecretMax ||
        !is_visible(text)) {
      return {};
    }
    const auto name = last_name(path);
    if (name == "AccessKeyId") found.access_key = text;
    if (name == "SecretAccessKey") found.secret_key = text;
    if (name == "SessionToken") found.session_token = text;
    if (name == "Expiration") expires = parse_iso_time(text);
    return {};
  }));
  if (found.access_key.empty() || found.secret_key.empty() || found.session_token.empty() || !expires) {
    return bad_answer("credentials");
  }
  found.expires = *expires;
  return found;
}

std::optional<std::time_t> parse_iso_time(std::string_view text) {
  constexpr std::string_view kShape = "dddd-dd-ddTdd:dd:dd";
  if (text.size() < kShape.size() + 1 || text.size() > 40 || text.back() != 'Z') return {};
  for (std::size_t i = 0; i < kShape.size(); ++i) {
    const bool is_digit = text[i] >= '0' && text[i] <= '9';
    if (kShape[i] == 'd' ? !is_digit : text[i] != kShape[i]) return {};
  }
  std::string_view fraction = text.substr(kShape.size(), text.size() - kShape.size() - 1);
  if (!fraction.empty() &&
      (fraction.front() != '.' || fraction.find_first_not_of("0123456789", 1) != fraction.npos)) {
    return {};
  }
  const auto number = [text](std::size_t at, std::size_t length) {
    int value = 0;
    std::from_chars(text.data() + at, text.data() + at + length, value);
    return value;
  };
  std::tm utc{};
  utc.tm_year = number(0, 4) - 1900;
  utc.tm_mon = number(5, 2) - 1;
  utc.tm_mday = number(8, 2);
  utc.tm_hour = number(11, 2);
  utc.tm_min = number(14, 2);
  utc.tm_sec = number(17, 2);
  if (utc.tm_mon < 0 || utc.tm_mon > 11 || utc.tm_mday < 1 || utc.tm_mday > 31 || utc.tm_hour > 23 ||
      utc.tm_min > 59 || utc.tm_sec > 60) {
    return {};
  }
  return timegm(&utc);
}

}  // namespace warmdump
