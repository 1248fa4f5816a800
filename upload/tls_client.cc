#include "upload/tls_client.h"

#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>
#include <unistd.h>

#include <cerrno>

#include "common/hosted/unique_fd.h"

namespace warmdump {
namespace {

// To add a distribution: the bundle its packages keep up to date.
constexpr const char* kSystemBundles[] = {
    "/etc/ssl/certs/ca-certificates.crt",  // Debian, Arch, Gentoo
    "/etc/pki/tls/certs/ca-bundle.crt",    // Fedora, RHEL
    "/etc/ssl/ca-bundle.pem",              // SUSE
    "/etc/ssl/cert.pem",                   // Alpine
};
constexpr const char* kSystemDirectory = "/etc/ssl/certs";  // ChromeOS and other hashed directories

Outcome<void> load_roots(SSL_CTX* context, const std::string& ca_file) {
  if (!ca_file.empty()) {
    const UniqueFd fd(open(ca_file.c_str(), O_RDONLY | O_CLOEXEC));
    if (!fd.valid()) return Failure::system("cannot open CA file " + ca_file, errno);
    if (SSL_CTX_load_verify_file(context, ca_file.c_str()) != 1) {
      ERR_clear_error();
      return Failure(ErrorCode::invalid, "CA file " + ca_file + " holds no usable PEM certificate");
    }
    return {};
  }
  for (const char* bundle : kSystemBundles) {
    if (access(bundle, R_OK) == 0 && SSL_CTX_load_verify_file(context, bundle) == 1) return {};
  }
  ERR_clear_error();
  if (access(kSystemDirectory, R_OK) == 0 && SSL_CTX_load_verify_dir(context, kSystemDirectory) == 1)
    return {};
  return Failure(ErrorCode::not_found,
                 "this system has no root certificates; install ca-certificates or use --ca-file");
}

}  // namespace

Outcome<SslContext> make_tls_client_context(const std::string& ca_file) {
  SslContext context(SSL_CTX_new(TLS_client_method()));
  if (!context) return Failure(ErrorCode::unsupported, "OpenSSL cannot make a TLS context");
  SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
  SSL_CTX_set_options(context.get(), SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
  TRY(load_roots(context.get(), ca_file));
  return context;
}

Outcome<void> expect_peer(SSL* session, const std::string& host, bool host_is_address) {
  bool is_set;
  if (host_is_address) {
    is_set = X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(session), host.c_str()) == 1;
  } else {
    SSL_set_hostflags(session, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    is_set =
        SSL_set1_host(session, host.c_str()) == 1 && SSL_set_tlsext_host_name(session, host.c_str()) == 1;
  }
  if (!is_set) return Failure(ErrorCode::invalid, "OpenSSL refuses the host name " + host);
  return {};
}

SendFailure handshake_failure(const SSL* session, const std::string& host,
                              const std::string& transport_reason, Outlook transport_outlook) {
  const long verdict = SSL_get_verify_result(session);
  if (verdict == X509_V_OK) {
    return {Failure(ErrorCode::io, "TLS handshake with " + host + " failed: " + transport_reason),
            transport_outlook};
  }
  std::string message =
      "the certificate of " + host + " is not trusted: " + X509_verify_cert_error_string(verdict);
  switch (verdict) {
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return {Failure(ErrorCode::refused, message + "; is this machine's clock right?"), Outlook::temporary};
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
      return Failure(ErrorCode::refused, message + "; the certificate is for another host");
    case X509_V_ERR_CERT_HAS_EXPIRED:
      return Failure(ErrorCode::refused, message + "; renew it on the server, or check this machine's clock");
    default:
      return Failure(ErrorCode::refused, message + "; --ca-file names the roots to trust");
  }
}

}  // namespace warmdump
