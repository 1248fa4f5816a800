// What the answers of S3 say, checked: every number is in its range, every text has a bound. Pure; a body
// that is not as it should be is `corrupt`.

#pragma once

#include <cstdint>
#include <ctime>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/hosted/failure.h"
#include "common/units.h"

namespace warmdump {

inline constexpr unsigned kPartNumberMax = 10'000;

struct S3ErrorBody {
  std::string code;     // letters and digits, at most 64; empty when there is none
  std::string message;  // printable ASCII, at most 200 bytes
  std::string region;   // where the bucket is, when the error is about that; else empty
};
// Nothing when the body is no <Error>. STS wraps it into <ErrorResponse>.
std::optional<S3ErrorBody> parse_s3_error(std::string_view body);

// The upload id that CreateMultipartUpload gives.
Outcome<std::string> parse_upload_id(std::string_view body);

struct ListedPart {
  unsigned number = 0;  // 1 to kPartNumberMax
  ByteCount size = 0;
  std::string etag;      // without quotes
  std::string checksum;  // Base64, of whichever kind the store keeps; empty for none
};
struct PartList {
  std::vector<ListedPart> parts;
  // Where the next page begins; always larger than the marker of this page, so that paging ends.
  std::optional<unsigned> next_marker;
};
Outcome<PartList> parse_part_list(std::string_view body, unsigned marker);

// The ETag of the whole object, which may be empty. A body with an <Error> is not for this function.
Outcome<std::string> parse_completed(std::string_view body);

struct StsCredentials {
  std::string access_key;
  std::string secret_key;
  std::string session_token;
  std::time_t expires = 0;
};
// The answer of AssumeRoleWithWebIdentity. The caller wipes the texts.
Outcome<StsCredentials> parse_sts_credentials(std::string_view body);

// An ETag as it can be compared and sent back: without quotes; empty when it holds something odd.
std::string plain_etag(std::string_view text);

// "2030-01-02T03:04:05Z", with or without a fraction; nothing for any other text.
std::optional<std::time_t> parse_iso_time(std::string_view text);

}  // namespace warmdump
