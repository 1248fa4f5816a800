// TLS on a connection of the fault server, to end it as no real server does.

#pragma once

#include <openssl/ssl.h>

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "tests/upload/fault_server.h"

namespace warmdump {

class TlsSession {
 public:
  struct Options {
    std::filesystem::path certificate;
    std::filesystem::path key;
    std::filesystem::path client_ca = {};  // clients need a certificate of it
    int version_most = TLS1_3_VERSION;
  };

  // Shakes hands; is_up tells whether that worked. Throws when the files are no good.
  TlsSession(FaultServer::Connection& connection, const Options& options);
  bool is_up() const { return is_up_; }
  std::string read_header();
  bool send(std::string_view text);
  // "close notify", without which the end is a cut.
  void say_goodbye();

 private:
  struct ContextFree {
    void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
  };
  struct SessionFree {
    void operator()(SSL* session) const { SSL_free(session); }
  };
  std::unique_ptr<SSL_CTX, ContextFree> context_;
  std::unique_ptr<SSL, SessionFree> session_;
  bool is_up_ = false;
};

}  // namespace warmdump
