// The places that credentials for S3 come from. One for a destination, chosen by the settings; nothing is
// searched for that nobody named, but the user's own shared file.
//
//   credentials_from   asked
//   "" (default)       credentials_file if one is given; else web identity if a role is given; else the
//                      shared file of this user, ~/.aws/credentials, if it is there
//   "environment"      AWS_ACCESS_KEY_ID with its secret and token; else AWS_WEB_IDENTITY_TOKEN_FILE with
//                      AWS_ROLE_ARN; else AWS_CONTAINER_CREDENTIALS_FULL_URI or _RELATIVE_URI
//   "instance"         the metadata service of EC2 (IMDSv2); elsewhere its address is a stranger's machine
//
// To add one: a make function here, a file of its own, a word in make_credentials_source and in
// docs/UPLOAD.md.

#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "upload/destination/s3/aws_credentials.h"
#include "upload/destination/s3/sigv4.h"
#include "upload/wire/http_transport.h"

namespace warmdump {

// The value of a variable of the environment, when it is set and not empty.
using Environment = std::function<std::optional<std::string>(const std::string& name)>;
Environment process_environment();

// Makes a transport to this address. Services of the machine itself are reached without a proxy.
using MakeTransport =
    std::function<Outcome<std::unique_ptr<HttpTransport>>(const Url& url, bool is_of_this_machine)>;

struct CredentialsOptions {
  std::string credentials_file = {};
  std::string profile = {};  // of the file; "default" by default
  std::string credentials_from = {};
  std::string role_arn = {};
  std::string web_identity_token_file = {};
  std::string sts_endpoint = {};  // "https://sts.REGION.amazonaws.com" by default
  std::string region = {};        // for that default
};

// Failures are `invalid`: settings that contradict each other or name nothing. Nothing is read or fetched
// yet.
Outcome<std::unique_ptr<AwsCredentialsSource>> make_credentials_source(const CredentialsOptions& options,
                                                                       const Environment& environment,
                                                                       MakeTransport make_transport);

// The file that aws, s3cmd's users and SDKs share: "[profile]" and lines "aws_access_key_id = ...",
// "aws_secret_access_key = ...", "aws_session_token = ...". Other lines are skipped. Only its owner may read
// it (wire/secret_file.h).
std::unique_ptr<AwsCredentialsSource> make_credentials_file_source(std::string path, std::string profile);
Outcome<AwsCredentials> parse_credentials_file(std::string_view text, std::string_view profile);

// AssumeRoleWithWebIdentity at `sts`: an unsigned POST with the token of the file, for keys that last an hour
// or so.
struct WebIdentity {
  std::string role_arn;
  std::string token_file;
  Url sts;
};
std::unique_ptr<AwsCredentialsSource> make_web_identity_source(WebIdentity identity,
                                                               MakeTransport make_transport);

// An HTTP service of the machine that gives keys as JSON: AccessKeyId, SecretAccessKey, Token, Expiration.
struct ContainerEndpoint {
  Url url;
  std::string query = {};
  std::string token = {};       // for the Authorization header; or ...
  std::string token_file = {};  // ... the file that has it, read each time
};
std::unique_ptr<AwsCredentialsSource> make_container_source(ContainerEndpoint endpoint,
                                                            MakeTransport make_transport);

// IMDSv2 below `service`, "http://169.254.169.254" but in tests.
std::unique_ptr<AwsCredentialsSource> make_instance_source(Url service, MakeTransport make_transport);

// The JSON of a container endpoint and of IMDS. Failures do not repeat the text.
Outcome<AwsCredentials> parse_json_credentials(std::string_view text);

}  // namespace warmdump
