// S3Client: one signed request to a bucket, and its answer. Mends at once what a second request can mend
// (credentials that were changed or have expired, the bucket's region, a clock that is off), each once a
// request, and remembers it. For several threads at once.

#pragma once

#include <memory>
#include <mutex>
#include <string>

#include "upload/destination/s3/aws_credentials.h"
#include "upload/destination/s3/s3_error.h"
#include "upload/destination/s3/s3_place.h"
#include "upload/destination/s3/sigv4.h"
#include "upload/transfer/clock.h"
#include "upload/wire/http_transport.h"

namespace warmdump {

struct S3Request {
  std::string method;
  std::string key = {};         // of the object; empty for the bucket itself
  NamesAndValues query = {};    // not encoded
  NamesAndValues headers = {};  // all are signed
  const ByteSource* body = nullptr;
  ByteCount body_offset = 0;
  ByteCount body_bytes = 0;
  std::string body_sha256 = {};  // 64 hexadecimal digits; empty without a body
  BytesDone done = {};
  std::optional<std::chrono::milliseconds> answer_limit = {};
};

class S3Client {
 public:
  S3Client(S3Place place, std::unique_ptr<AwsCredentialsSource> credentials,
           std::unique_ptr<HttpTransport> transport, Clock& clock);

  const S3Place& place() const { return place_; }
  Clock& clock() { return clock_; }

  // An answer of status 2xx. Any other is a failure that says what the server said (s3_error.h), without
  // secrets.
  SendOutcome<HttpAnswer> call(const S3Request& request);

 private:
  struct Tried {
    bool credentials = false;
    bool region = false;
    bool time = false;
  };
  SendOutcome<HttpAnswer> attempt(const S3Request& request, const AwsCredentials& credentials,
                                  std::time_t now);
  bool mend(S3Repair repair, const HttpAnswer& answer, const SendFailure& failure,
            const RenewingCredentials::Held& refused, Tried& tried, std::time_t now);
  bool use_region_of(const HttpAnswer& answer);
  bool use_time_of(const SendFailure& failure);

  const S3Place place_;
  RenewingCredentials credentials_;
  std::unique_ptr<HttpTransport> transport_;
  Clock& clock_;

  std::mutex mutex_;  // what was learnt
  std::string region_;
  std::chrono::seconds clock_offset_{0};  // the server's time minus ours
};

}  // namespace warmdump
