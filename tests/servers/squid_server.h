// A real squid on loopback: a proxy with CONNECT and, if asked for, user and password. Own configuration, own
// directory, a free port. It keeps nothing.

#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "tests/servers/server_process.h"

namespace warmdump {

struct SquidOptions {
  bool wants_password = false;             // user "device", password "s3cret"
  std::filesystem::path certificate = {};  // with these the proxy itself speaks TLS
  std::filesystem::path key = {};
};

class SquidServer {
 public:
  // Empty when squid is here, else what is missing.
  static std::string missing();

  // Throws when squid does not come up.
  SquidServer(std::filesystem::path directory, const SquidOptions& options);

  std::uint16_t port() const { return port_; }
  std::string address() const;
  // One line a request, such as "... TCP_TUNNEL/200 ... CONNECT localhost:1234 ...".
  std::string access_log() const;

 private:
  void write_configuration(const SquidOptions& options) const;
  bool start();

  std::filesystem::path directory_;
  const bool has_tls_;
  std::uint16_t port_ = 0;
  std::optional<test::ServerProcess> process_;
};

}  // namespace warmdump
