// From the options of a destination to one at S3.

#include <algorithm>

#include "common/hosted/ascii.h"
#include "upload/destination/http_place.h"
#include "upload/destination/s3/credentials_sources.h"
#include "upload/destination/s3/part_plan.h"
#include "upload/destination/s3/s3_destination.h"

namespace warmdump {
namespace {

constexpr unsigned kParallelMax = 16;
constexpr unsigned kParallelDefault = 2;
constexpr std::string_view kEncryptions[] = {"", "AES256", "aws:kms", "aws:kms:dsse"};

Failure bad(const std::string& why) {
  return Failure(ErrorCode::invalid, why);
}

Outcome<S3Settings> settings_of(const DestinationOptions& options) {
  S3Settings settings;
  settings.part_bytes = options.part_bytes == 0 ? kPartBytesDefault : options.part_bytes;
  if (settings.part_bytes < kPartBytesMin || settings.part_bytes > kPartBytesMax) {
    return bad("part_bytes is 5 MiB to 5 GiB with s3://");
  }
  settings.parallel_pieces = options.parallel_pieces == 0 ? kParallelDefault : options.parallel_pieces;
  if (settings.parallel_pieces > kParallelMax) return bad("parallel_pieces is 1 to 16");
  const auto checksum = parse_checksum(options.checksum);
  if (!checksum) return bad("checksum is none, crc32c or sha256");
  settings.checksum = *checksum;
  settings.server_side_encryption = options.server_side_encryption;
  if (std::find(std::begin(kEncryptions), std::end(kEncryptions), options.server_side_encryption) ==
      std::end(kEncryptions)) {
    return bad("server_side_encryption is AES256, aws:kms or aws:kms:dsse");
  }
  settings.kms_key_id = options.kms_key_id;
  if (!is_visible(options.kms_key_id)) return bad("kms_key_id has no blanks or control characters");
  if (!options.kms_key_id.empty() && !options.server_side_encryption.starts_with("aws:kms")) {
    return bad("kms_key_id needs server_side_encryption = \"aws:kms\"");
  }
  return settings;
}

// Services that give credentials are AWS's own, or of this machine: ca_file and our certificate are for the
// store, and what is of this machine is not asked through a proxy.
Outcome<std::unique_ptr<HttpTransport>> transport_to_credentials(const Url& url, bool is_of_this_machine,
                                                                 const DestinationOptions& options) {
  if (is_of_this_machine) {
    HttpTransportOptions direct;
    direct.with_tls = url.is_https;
    direct.allow_link_local = true;
    return make_http_transport(direct);
  }
  DestinationOptions used = options;
  used.client_certificate_file.clear();
  used.client_key_file.clear();
  if (options.sts_endpoint.empty()) used.ca_file.clear();
  return make_transport(url.is_https, used);
}

}  // namespace

Outcome<std::unique_ptr<Destination>> make_s3_destination(const std::string& address,
                                                          const DestinationOptions& options) {
  S3Place place = TRY(parse_s3_place(address, options.endpoint, options.region, options.addressing));
  const S3Settings settings = TRY(settings_of(options));
  const bool is_https = place.is_aws || place.endpoint.is_https;
  if (!is_https && !options.ca_file.empty()) return bad("ca_file has no meaning with an endpoint of http://");
  const CredentialsOptions credentials_options{options.credentials_file,
                                               options.profile,
                                               options.credentials_from,
                                               options.role_arn,
                                               options.web_identity_token_file,
                                               options.sts_endpoint,
                                               place.region};
  auto credentials = TRY(make_credentials_source(
      credentials_options, process_environment(), [options](const Url& url, bool is_of_this_machine) {
        return transport_to_credentials(url, is_of_this_machine, options);
      }));
  auto transport = TRY(make_transport(is_https, options));
  return make_s3_destination(std::make_unique<S3Client>(std::move(place), std::move(credentials),
                                                        std::move(transport), system_clock()),
                             settings);
}

}  // namespace warmdump
