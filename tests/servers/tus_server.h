// A real @tus/server with its file store on loopback: own directory, a free port, own certificate.

#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "tests/servers/server_process.h"

namespace warmdump {

struct TusServerOptions {
  bool with_tls = false;            // a certificate for localhost and 127.0.0.1
  bool relative_location = false;   // Location without the server's idea of its own address
  std::uint64_t size_max = 0;       // Tus-Max-Size; 0 for none
  std::string want = {};            // Warmdump-Want of the answer that completes the manifest of a report
  unsigned expires_after_s = 3600;  // for unfinished uploads
};

class TusServer {
 public:
  // Empty when node and the packages are here, else what is missing.
  static std::string missing();

  // Everything goes below `directory`. Throws when the server does not come up.
  TusServer(std::filesystem::path directory, TusServerOptions options);

  void kill() { process_->kill(); }  // SIGKILL: connections die in the middle
  void restart();                    // same port, same files

  std::string address() const;  // "tus+http://127.0.0.1:1234/files"
  std::uint16_t port() const { return port_; }
  std::filesystem::path ca_file() const { return directory_ / "ca.pem"; }

  struct Upload {
    std::filesystem::path data;
    std::filesystem::path record;  // JSON of the file store
    std::string key;               // of its metadata
    std::string sha256;            // of its metadata
    std::uint64_t size = 0;        // as announced
  };
  std::vector<Upload> uploads() const;

 private:
  bool start();

  std::filesystem::path directory_;
  TusServerOptions options_;
  std::uint16_t port_ = 0;
  std::optional<test::ServerProcess> process_;
};

}  // namespace warmdump
