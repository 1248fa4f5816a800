#include "tests/upload/tls_session.h"

#include <openssl/err.h>
#include <signal.h>

#include <stdexcept>

namespace warmdump {

TlsSession::TlsSession(FaultServer::Connection& connection, const Options& options)
    : context_(SSL_CTX_new(TLS_server_method())) {
  signal(SIGPIPE, SIG_IGN);  // OpenSSL writes to its socket with write(2)
  SSL_CTX_set_max_proto_version(context_.get(), options.version_most);
  SSL_CTX_set_security_level(context_.get(), 0);
  SSL_CTX_set_min_proto_version(context_.get(), TLS1_VERSION);
  if (SSL_CTX_use_certificate_chain_file(context_.get(), options.certificate.c_str()) != 1 ||
      SSL_CTX_use_PrivateKey_file(context_.get(), options.key.c_str(), SSL_FILETYPE_PEM) != 1) {
    throw std::runtime_error("bad certificate for a test");
  }
  if (!options.client_ca.empty()) {
    SSL_CTX_load_verify_locations(context_.get(), options.client_ca.c_str(), nullptr);
    SSL_CTX_set_verify(context_.get(), SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  }
  session_.reset(SSL_new(context_.get()));
  SSL_set_fd(session_.get(), connection.fd());
  is_up_ = SSL_accept(session_.get()) == 1;
  ERR_clear_error();
}

std::string TlsSession::read_header() {
  std::string header;
  char byte;
  while (is_up_ && !header.ends_with("\r\n\r\n")) {
    if (SSL_read(session_.get(), &byte, 1) != 1) return "";
    header += byte;
  }
  return header;
}

bool TlsSession::send(std::string_view text) {
  return text.empty() ||
         (is_up_ && SSL_write(session_.get(), text.data(), static_cast<int>(text.size())) > 0);
}

void TlsSession::say_goodbye() {
  if (is_up_) SSL_shutdown(session_.get());
}

}  // namespace warmdump
