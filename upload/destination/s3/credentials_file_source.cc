#include <algorithm>

#include "upload/destination/s3/credentials_sources.h"
#include "upload/wire/secret_file.h"

namespace warmdump {
namespace {

constexpr std::string_view kBlanks = " \t\r";

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

class FileSource final : public AwsCredentialsSource {
 public:
  FileSource(std::string path, std::string profile) : path_(std::move(path)), profile_(std::move(profile)) {}

  SendOutcome<AwsCredentials> read(std::time_t) override {
    auto text = read_secret_file(path_, "credentials file");
    if (!text.has_value()) return SendFailure(std::move(text.error()), Remedy::change_sink);
    auto credentials = parse_credentials_file((*text)->text(), profile_);
    if (credentials.has_value()) return std::move(*credentials);
    return SendFailure(std::move(credentials.error()).in("credentials file " + path_), Remedy::change_sink);
  }

 private:
  std::string path_;
  std::string profile_;
};

}  // namespace

Outcome<AwsCredentials> parse_credentials_file(std::string_view text, std::string_view profile) {
  AwsCredentials found;
  bool is_in_profile = false;
  bool has_profile = false;
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    const std::string_view line = trimmed(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.empty() || line.front() == '#' || line.front() == ';') continue;
    if (line.front() == '[') {
      is_in_profile = line.back() == ']' && trimmed(line.substr(1, line.size() - 2)) == profile;
      has_profile |= is_in_profile;
      continue;
    }
    const auto equals = line.find('=');
    if (!is_in_profile || equals == std::string_view::npos) continue;
    const std::string_view name = trimmed(line.substr(0, equals));
    const std::string_view value = trimmed(line.substr(equals + 1));
    if (name == "aws_access_key_id") found.access_key = value;
    if (name == "aws_secret_access_key") found.secret_key = value;
    if (name == "aws_session_token") found.session_token = value;
  }
  if (!has_profile) {
    return Failure(ErrorCode::invalid, "it has no section [" + std::string(profile) +
                                           "] with aws_access_key_id and aws_secret_access_key");
  }
  TRY(in_context("section [" + std::string(profile) + "]", check_credentials(found)));
  return found;
}

std::unique_ptr<AwsCredentialsSource> make_credentials_file_source(std::string path, std::string profile) {
  return std::make_unique<FileSource>(std::move(path), profile.empty() ? "default" : std::move(profile));
}

}  // namespace warmdump
