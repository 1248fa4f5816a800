#include "upload/destination/s3/s3_place.h"

#include <fmt/format.h>

#include <algorithm>

#include "upload/destination/s3/sigv4.h"

namespace warmdump {
namespace {

constexpr std::string_view kScheme = "s3://";
constexpr std::size_t kBucketMin = 3;
constexpr std::size_t kBucketMax = 255;  // AWS takes 63 by now; older buckets and other services more
constexpr std::size_t kPrefixMax = 512;  // of the 1024 bytes of a key
constexpr std::size_t kLabelMax = 63;

bool consists_of(std::string_view text, std::string_view also, bool with_upper_case) {
  return std::all_of(text.begin(), text.end(), [=](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (with_upper_case && c >= 'A' && c <= 'Z') ||
           also.find(c) != std::string_view::npos;
  });
}

Failure bad(std::string_view address, const std::string& why) {
  return Failure(ErrorCode::invalid, "bad address \"" + redacted(address) + "\": " + why);
}

bool has_odd_segment(std::string_view path) {
  while (!path.empty()) {
    const auto end = std::min(path.find('/'), path.size());
    const auto segment = path.substr(0, end);
    if (segment.empty() || segment == "." || segment == "..") return true;
    path.remove_prefix(std::min(end + 1, path.size()));
  }
  return false;
}

std::string host_of_aws(std::string_view region) {
  return fmt::format("s3.{}.amazonaws.com{}", region, region.starts_with("cn-") ? ".cn" : "");
}

}  // namespace

bool is_region(std::string_view text) {
  return !text.empty() && text.size() <= 32 && consists_of(text, "-", true);
}

std::string S3Place::full_key(std::string_view key) const {
  return prefix.empty() ? std::string(key) : prefix + "/" + std::string(key);
}

Url S3Place::url(std::string_view full_key, std::string_view current_region) const {
  Url url = endpoint;
  if (is_aws) {
    url.is_https = true;
    url.host = host_of_aws(current_region);
    url.port = 443;
  }
  if (is_virtual) {
    url.host = bucket + "." + url.host;
  } else {
    url.path += "/" + encoded_path(bucket);
  }
  if (!full_key.empty()) url.path += "/" + encoded_path(full_key);
  return url;
}

std::string S3Place::name() const {
  std::string name = std::string(kScheme) + bucket + (prefix.empty() ? "" : "/" + prefix);
  return is_aws ? name : name + " at " + endpoint.text();
}

Outcome<S3Place> parse_s3_place(std::string_view address, const std::string& endpoint,
                                const std::string& region, const std::string& addressing) {
  S3Place place;
  std::string_view rest = address;
  if (!rest.starts_with(kScheme)) return bad(address, "it must begin with s3://");
  rest.remove_prefix(kScheme.size());
  const auto slash = std::min(rest.find('/'), rest.size());
  place.bucket = rest.substr(0, slash);
  rest.remove_prefix(std::min(slash + 1, rest.size()));
  while (rest.ends_with('/')) rest.remove_suffix(1);
  place.prefix = rest;
  if (place.bucket.find('@') != std::string::npos) {
    return bad(address, "keys do not belong here, other users can see them; use --credentials-file");
  }
  if (place.bucket.size() < kBucketMin || place.bucket.size() > kBucketMax ||
      !consists_of(place.bucket, "-._", true) || place.bucket.find("..") != std::string::npos) {
    return bad(address, "a bucket's name has 3 to 255 letters, digits, '-', '.' or '_'");
  }
  if (place.prefix.size() > kPrefixMax || !consists_of(place.prefix, "-._=/", true) ||
      has_odd_segment(place.prefix)) {
    return bad(address, "a prefix is made of segments of letters, digits, '-', '.', '_' or '='");
  }
  place.region = region.empty() ? "us-east-1" : region;
  if (!is_region(place.region))
    return Failure(ErrorCode::invalid, "bad region: letters, digits and '-' only");
  place.is_aws = endpoint.empty();
  if (!place.is_aws) place.endpoint = TRY(in_context("endpoint", parse_url(endpoint)));

  const bool fits_into_host = consists_of(place.bucket, "-.", false) && place.bucket.size() <= kLabelMax;
  const bool is_dotted = place.bucket.find('.') != std::string::npos;
  if (addressing.empty() || addressing == "auto") {
    place.is_virtual = place.is_aws && fits_into_host && !is_dotted;
  } else if (addressing == "virtual") {
    if (!fits_into_host)
      return bad(address, "this bucket cannot stand in a host name; addressing = \"path\"");
    if (place.endpoint.host_is_address) {
      return Failure(ErrorCode::invalid,
                     "addressing = \"virtual\" needs an endpoint with a name, not an IP address");
    }
    place.is_virtual = true;
  } else if (addressing != "path") {
    return Failure(ErrorCode::invalid, "addressing is auto, path or virtual");
  }
  return place;
}

}  // namespace warmdump
