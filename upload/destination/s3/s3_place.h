// S3Place: a bucket, a prefix in it, and the address of the service. Pure.

#pragma once

#include <string>
#include <string_view>

#include "upload/wire/url.h"

namespace warmdump {

struct S3Place {
  std::string bucket;
  std::string prefix;       // without '/' at its ends; may be empty
  std::string region;       // as configured; "us-east-1" by default
  bool is_aws = false;      // no endpoint was given: the host follows from the region
  bool is_virtual = false;  // the bucket stands in the host name, not in the path
  Url endpoint;             // without the bucket; unless is_aws

  // prefix/key
  std::string full_key(std::string_view key) const;
  // Where a request for this key goes; its path is encoded as it is signed.
  Url url(std::string_view full_key, std::string_view current_region) const;
  // "s3://bucket/prefix", and where, unless that is AWS.
  std::string name() const;
};

// `address` is "s3://BUCKET[/PREFIX]"; `endpoint` "https://host[:port][/path]" or empty for AWS; `addressing`
// "auto", "path" or "virtual" (empty: auto, which is virtual for AWS and a bucket without dots, whose
// certificates have one level of wildcard). Failures are `invalid`.
Outcome<S3Place> parse_s3_place(std::string_view address, const std::string& endpoint,
                                const std::string& region, const std::string& addressing);

// Letters, digits and '-', at most 32: what may stand in a host name and in a signature.
bool is_region(std::string_view text);

}  // namespace warmdump
