// S3Service: a real S3 service on loopback that a test has started, and an independent client that looks at
// what is in it.

#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace warmdump::test {

class S3Service {
 public:
  virtual ~S3Service() = default;
  virtual std::string url() const = 0;        // http
  virtual std::string https_url() const = 0;  // empty when it has none
  virtual std::filesystem::path ca_file() const = 0;
  virtual std::string access_key() const = 0;
  virtual std::string secret_key() const = 0;
  virtual void kill() = 0;     // SIGKILL of what answers requests; what is stored stays
  virtual void restart() = 0;  // at the same port
};

// To add one: a class like these, its row in kS3Services of tests/upload/servers/s3_servers_test.cc.
// Each throws when it does not come up, and says by missing_*() which programs are not installed ("" for
// none).
std::unique_ptr<S3Service> start_ceph(const std::filesystem::path& directory);
std::string missing_for_ceph();
std::unique_ptr<S3Service> start_swift(const std::filesystem::path& directory);
std::string missing_for_swift();

// s3cmd, which knows nothing of our code.
class S3Judge {
 public:
  S3Judge(const S3Service& service, std::filesystem::path directory);
  void make_bucket(const std::string& bucket);
  // The object's bytes; throws when there is no such object.
  std::filesystem::path fetch(const std::string& bucket, const std::string& key);
  std::string information(const std::string& bucket, const std::string& key);  // of `s3cmd info`
  bool exists(const std::string& bucket, const std::string& key);
  // Those of uploads that were begun and neither completed nor aborted.
  std::vector<std::string> unfinished_keys(const std::string& bucket);

 private:
  std::string command(const std::string& words) const;

  std::filesystem::path directory_;
  std::filesystem::path configuration_;
};
std::string missing_for_judge();

}  // namespace warmdump::test
