#include <unistd.h>

#include <fstream>
#include <sstream>

#include "tests/servers/s3_service.h"
#include "tests/servers/server_process.h"

namespace warmdump::test {

std::string missing_for_judge() {
  return access("/usr/bin/s3cmd", X_OK) == 0 ? "" : "s3cmd";
}

S3Judge::S3Judge(const S3Service& service, std::filesystem::path directory)
    : directory_(std::move(directory)), configuration_(directory_ / "s3cmd.conf") {
  const std::string host = service.url().substr(std::string("http://").size());
  std::ofstream(configuration_) << "[default]\naccess_key = " << service.access_key()
                                << "\nsecret_key = " << service.secret_key() << "\nhost_base = " << host
                                << "\nhost_bucket = " << host << "\nuse_https = False\n";
}

std::string S3Judge::command(const std::string& words) const {
  return "/usr/bin/s3cmd -c " + quoted(configuration_) + " " + words;
}

void S3Judge::make_bucket(const std::string& bucket) {
  run(command("mb " + quoted("s3://" + bucket)));
}

std::filesystem::path S3Judge::fetch(const std::string& bucket, const std::string& key) {
  const auto file = directory_ / "fetched";
  run(command("get --force --no-progress " + quoted("s3://" + bucket + "/" + key) + " " + quoted(file)));
  return file;
}

std::string S3Judge::information(const std::string& bucket, const std::string& key) {
  return run(command("info " + quoted("s3://" + bucket + "/" + key)));
}

bool S3Judge::exists(const std::string& bucket, const std::string& key) {
  return !run(command("ls " + quoted("s3://" + bucket + "/" + key))).empty();
}

std::vector<std::string> S3Judge::unfinished_keys(const std::string& bucket) {
  std::istringstream lines(run(command("multipart " + quoted("s3://" + bucket))));
  std::vector<std::string> keys;
  for (std::string line; std::getline(lines, line);) {
    const auto at = line.find("s3://" + bucket + "/");
    if (at == std::string::npos || line.find('\t') == std::string::npos) continue;
    keys.push_back(line.substr(at + bucket.size() + 6, line.find('\t', at) - at - bucket.size() - 6));
  }
  return keys;
}

}  // namespace warmdump::test
