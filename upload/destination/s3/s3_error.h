// What an error of S3 means for us: a table by its code, which the HTTP status stands in for where there is
// none.

#pragma once

#include <string>
#include <string_view>

#include "upload/transfer/send_failure.h"
#include "upload/wire/http_transport.h"

namespace warmdump {

// What one repetition, done at once, may mend. Tried once for a request; then the remedy counts.
enum class S3Repair { none, renew_credentials, use_region, use_time };

struct S3ErrorMeaning {
  std::string code;  // as the server calls it; made from the status where it says nothing
  Remedy remedy = Remedy::wait;
  S3Repair repair = S3Repair::none;
  std::string_view advice = {};  // for people; "" for none
};

S3ErrorMeaning meaning_of_s3_error(unsigned status, std::string_view code);

// The failure of an answer that is an error: what the server said, quoted with care, and what helps. `now` is
// our own time, for Retry-After and the clock's offset. An answer with status 200 that holds an <Error>
// counts as 500.
SendFailure s3_failure(const HttpAnswer& answer, std::time_t now);

}  // namespace warmdump
