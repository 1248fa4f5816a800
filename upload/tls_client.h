// TLS for clients: verification of the other side is always on, TLS 1.2 is the least.

#pragma once

#include <openssl/ssl.h>

#include <memory>
#include <string>

#include "common/hosted/failure.h"
#include "upload/destination.h"

namespace warmdump {

struct SslContextFree {
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};
using SslContext = std::unique_ptr<SSL_CTX, SslContextFree>;

// Trusts the PEM certificates of ca_file and nothing else, or the system's roots when it is empty. The
// environment (SSL_CERT_FILE, SSL_CERT_DIR) is not asked: this may run as root. No roots at all is a failure
// here, not a puzzling one at the first handshake.
Outcome<SslContext> make_tls_client_context(const std::string& ca_file);

// The certificate must be for this host (a name, or an address when host_is_address); names also go out as
// SNI. Call before the handshake.
Outcome<void> expect_peer(SSL* session, const std::string& host, bool host_is_address);

// Why a handshake failed: the reason of the certificate check if that was it, else `transport_reason`. Only a
// certificate that is not valid yet is temporary: clocks are wrong after a boot.
SendFailure handshake_failure(const SSL* session, const std::string& host,
                              const std::string& transport_reason, Outlook transport_outlook);

}  // namespace warmdump
