// Certificates for servers and clients of a test, made with the openssl program. EC keys, two days of life.

#pragma once

#include <filesystem>
#include <string>

namespace warmdump {

class TestCertificates {
 public:
  // Empty when openssl is here, else what is missing.
  static std::string missing();

  explicit TestCertificates(std::filesystem::path directory) : directory_(std::move(directory)) {}

  // NAME.pem and NAME.key in the directory. Each throws when openssl refuses.
  void make_authority(const std::string& name) const;
  // alternative_names: such as "DNS:localhost,IP:127.0.0.1"; empty for none, as a client's.
  void issue(const std::string& authority, const std::string& name,
             const std::string& alternative_names) const;

  std::filesystem::path certificate(const std::string& name) const { return directory_ / (name + ".pem"); }
  std::filesystem::path key(const std::string& name) const { return directory_ / (name + ".key"); }

 private:
  std::filesystem::path directory_;
};

}  // namespace warmdump
