// A real nginx with its dav module on loopback: own configuration, own directory, free ports, own
// certificates.
//
//   http  127.0.0.1:http_port(), https  127.0.0.1:https_port() (certificate for "localhost" and 127.0.0.1)
//   https 127.0.0.1:wrong_host_port() (certificate for "elsewhere.example" alone)
//   https 127.0.0.1:mutual_port() (as https_port(), for clients with a certificate of client-ca alone)
//   /dav/ stores in files(); /forbidden/ 403; /full/ 507; /small/ takes 1 MiB; /moved/ redirects to /dav/;
//   /private/ stores for user "device", password "s3cret"; /nodav/ knows no PUT

#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "tests/servers/server_process.h"
#include "tests/servers/test_certificates.h"

namespace warmdump {

class NginxServer {
 public:
  // Empty when nginx and openssl are here, else what is missing.
  static std::string missing();

  // Everything goes below `directory`. Throws when nginx does not come up.
  explicit NginxServer(std::filesystem::path directory);

  void kill() { process_->kill(); }  // SIGKILL: connections die in the middle
  void restart();                    // same ports, same files

  std::uint16_t http_port() const { return http_port_; }
  std::uint16_t https_port() const { return https_port_; }
  std::uint16_t wrong_host_port() const { return wrong_host_port_; }
  std::uint16_t mutual_port() const { return mutual_port_; }
  std::filesystem::path files() const { return directory_ / "root" / "dav"; }
  std::filesystem::path ca_file() const { return directory_ / "ca.pem"; }
  std::filesystem::path other_ca_file() const { return directory_ / "other-ca.pem"; }
  // Has "client" of client-ca, and "stranger" of other-ca.
  TestCertificates certificates() const { return TestCertificates(directory_); }

 private:
  void make_certificates();
  void write_configuration();
  bool start();

  std::filesystem::path directory_;
  std::uint16_t http_port_ = 0;
  std::uint16_t https_port_ = 0;
  std::uint16_t wrong_host_port_ = 0;
  std::uint16_t mutual_port_ = 0;
  std::optional<test::ServerProcess> process_;
};

}  // namespace warmdump
