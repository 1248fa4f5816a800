// TLS for clients: verification of the other side is always on, TLS 1.2 is the least.

#pragma once

#include <openssl/ssl.h>

#include <array>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "common/hosted/failure.h"
#include "upload/transfer/send_failure.h"

namespace warmdump {

struct SslContextFree {
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};
using SslContext = std::unique_ptr<SSL_CTX, SslContextFree>;

// Where roots are looked for when there is no CA file.
struct SystemRoots {
  std::vector<std::string> bundles;  // the first that holds a certificate counts
  std::string directory;             // else the names by hash in here
};
SystemRoots system_roots();

struct TlsClientOptions {
  std::string ca_file = {};                  // PEM roots that replace the system's
  std::string client_certificate_file = {};  // PEM chain, own certificate first; empty for none
  std::string client_key_file = {};          // PEM without a password, which only we can read
  SystemRoots system = system_roots();
};

// Trusts the PEM certificates of ca_file and nothing else, or the system's roots when it is empty. The
// environment (SSL_CERT_FILE, SSL_CERT_DIR) is not asked: this may run as root. No roots at all is a failure
// here, not a puzzling one at the first handshake; so are a key that others can read or that is another
// certificate's.
Outcome<SslContext> make_tls_client_context(const TlsClientOptions& options);

// A context that follows its files: a certificate that was renewed is used from the next connection on.
class TlsContexts {
 public:
  static Outcome<std::unique_ptr<TlsContexts>> make(TlsClientOptions options);

  // A reference of its own, made anew when one of the files has changed since. Files that make no sense at
  // that moment, such as a new certificate whose key is yet to come, leave the old context, and are looked at
  // again the next time. From any thread.
  SslContext current();

 private:
  // What a file looks like without being read.
  struct Stamp {
    std::uint64_t inode = 0;
    std::int64_t size = -1;
    std::int64_t changed_ns = 0;
    bool operator==(const Stamp&) const = default;
  };
  using Stamps = std::array<Stamp, 3>;

  explicit TlsContexts(TlsClientOptions options) : options_(std::move(options)) {}
  Stamps stamps() const;
  static Stamp stamp_of(const std::string& path);

  const TlsClientOptions options_;
  std::mutex mutex_;
  SslContext context_;
  Stamps stamps_;
};

// The certificate must be for this host (a name, or an address when host_is_address); names also go out as
// SNI. Call before the handshake.
Outcome<void> expect_peer(SSL* session, const std::string& host, bool host_is_address);

// Why a handshake failed: the reason of the certificate check if that was it, else `transport_reason`. Only a
// certificate that is not valid yet is temporary: clocks are wrong after a boot.
SendFailure handshake_failure(const SSL* session, const std::string& host,
                              const std::string& transport_reason, Remedy transport_remedy);

// Did the other side refuse our certificate, or want one that we have not got? By TLS 1.3 it says so only
// after the handshake, to whoever reads. `error` is one of OpenSSL's queue; empty for any other.
std::optional<SendFailure> certificate_refusal(unsigned long error, const std::string& host,
                                               bool has_certificate);

// An alert about a trouble of the other side's own, which passes without anybody's doing.
bool is_passing_alert(unsigned long error);

}  // namespace warmdump
