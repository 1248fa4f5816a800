#include "upload/wire/tls_client.h"

#include <fcntl.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <utility>

#include "common/hosted/unique_fd.h"
#include "upload/wire/secret_file.h"

namespace warmdump {
namespace {

constexpr ByteCount kKeySizeMax = 64 * kKiB;

struct BioFree {
  void operator()(BIO* bio) const { BIO_free(bio); }
};
struct KeyFree {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
};

std::string why() {
  char text[256] = "unknown";
  const unsigned long error = ERR_peek_last_error();
  if (error != 0) ERR_error_string_n(error, text, sizeof text);
  ERR_clear_error();
  return text;
}

bool has_hashed_name(const std::string& directory) {
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(directory, error)) {
    const std::string name = entry.path().filename();
    const auto dot = name.find('.');
    if (dot == 8 && name.size() > 9 && name.find_first_not_of("0123456789abcdef") == dot) return true;
  }
  return false;
}

Outcome<void> load_roots(SSL_CTX* context, const TlsClientOptions& options) {
  const std::string& ca_file = options.ca_file;
  if (!ca_file.empty()) {
    const UniqueFd fd(open(ca_file.c_str(), O_RDONLY | O_CLOEXEC));
    if (!fd.valid()) return Failure::system("cannot open CA file " + ca_file, errno);
    if (SSL_CTX_load_verify_file(context, ca_file.c_str()) != 1) {
      ERR_clear_error();
      return Failure(ErrorCode::invalid, "CA file " + ca_file + " holds no usable PEM certificate");
    }
    return {};
  }
  for (const std::string& bundle : options.system.bundles) {
    if (access(bundle.c_str(), R_OK) == 0 && SSL_CTX_load_verify_file(context, bundle.c_str()) == 1)
      return {};
  }
  ERR_clear_error();
  const std::string& directory = options.system.directory;
  if (has_hashed_name(directory) && SSL_CTX_load_verify_dir(context, directory.c_str()) == 1) return {};
  return Failure(ErrorCode::not_found,
                 "this system has no root certificates; install ca-certificates or use --ca-file");
}

// The default would ask for it on the terminal.
int no_password(char*, int, int, void*) {
  return -1;
}

Outcome<void> load_identity(SSL_CTX* context, const TlsClientOptions& options) {
  const std::string& certificate = options.client_certificate_file;
  const std::string& key = options.client_key_file;
  if (certificate.empty() != key.empty()) {
    return Failure(ErrorCode::invalid, "a client certificate and its key need each other; set both files");
  }
  if (certificate.empty()) return {};
  const UniqueFd fd(open(certificate.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.valid()) return Failure::system("cannot open client certificate " + certificate, errno);
  if (SSL_CTX_use_certificate_chain_file(context, certificate.c_str()) != 1) {
    return Failure(ErrorCode::invalid,
                   "client certificate " + certificate + " is no usable PEM chain: " + why());
  }
  const auto text = TRY(read_secret_file(key, "client key", kKeySizeMax));
  const std::string& pem = text->text();
  const std::unique_ptr<BIO, BioFree> bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  const std::unique_ptr<EVP_PKEY, KeyFree> pkey(
      PEM_read_bio_PrivateKey(bio.get(), nullptr, no_password, nullptr));
  if (!pkey) {
    return Failure(ErrorCode::invalid, "client key " + key + " is no PEM key without a password: " + why());
  }
  if (SSL_CTX_use_PrivateKey(context, pkey.get()) != 1 || SSL_CTX_check_private_key(context) != 1) {
    return Failure(ErrorCode::invalid,
                   "client key " + key + " does not belong to certificate " + certificate + ": " + why());
  }
  return {};
}

}  // namespace

// To add a distribution: the bundle its packages keep up to date.
SystemRoots system_roots() {
  return {{
              "/etc/ssl/certs/ca-certificates.crt",  // Debian, Arch, Gentoo
              "/etc/pki/tls/certs/ca-bundle.crt",    // Fedora, RHEL
              "/etc/ssl/ca-bundle.pem",              // SUSE
              "/etc/ssl/cert.pem",                   // Alpine
          },
          "/etc/ssl/certs"};  // ChromeOS and other hashed directories
}

Outcome<SslContext> make_tls_client_context(const TlsClientOptions& options) {
  SslContext context(SSL_CTX_new(TLS_client_method()));
  if (!context) return Failure(ErrorCode::unsupported, "OpenSSL cannot make a TLS context");
  SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
  SSL_CTX_set_options(context.get(), SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
  TRY(load_roots(context.get(), options));
  TRY(load_identity(context.get(), options));
  return context;
}

TlsContexts::Stamp TlsContexts::stamp_of(const std::string& path) {
  struct stat status {};
  if (path.empty() || stat(path.c_str(), &status) != 0) return {};
  return {status.st_ino, status.st_size, status.st_ctim.tv_sec * 1'000'000'000 + status.st_ctim.tv_nsec};
}

TlsContexts::Stamps TlsContexts::stamps() const {
  return {stamp_of(options_.ca_file), stamp_of(options_.client_certificate_file),
          stamp_of(options_.client_key_file)};
}

Outcome<std::unique_ptr<TlsContexts>> TlsContexts::make(TlsClientOptions options) {
  std::unique_ptr<TlsContexts> contexts(new TlsContexts(std::move(options)));
  contexts->stamps_ = contexts->stamps();
  contexts->context_ = TRY(make_tls_client_context(contexts->options_));
  return contexts;
}

SslContext TlsContexts::current() {
  const std::lock_guard lock(mutex_);
  const Stamps now = stamps();
  if (now != stamps_) {
    auto renewed = make_tls_client_context(options_);
    if (renewed.has_value()) {
      context_ = std::move(*renewed);
      stamps_ = now;
    }
  }
  SSL_CTX_up_ref(context_.get());
  return SslContext(context_.get());
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
                              const std::string& transport_reason, Remedy transport_remedy) {
  const long verdict = SSL_get_verify_result(session);
  if (verdict == X509_V_OK) {
    return {Failure(ErrorCode::io, "TLS handshake with " + host + " failed: " + transport_reason),
            transport_remedy};
  }
  std::string message =
      "the certificate of " + host + " is not trusted: " + X509_verify_cert_error_string(verdict);
  switch (verdict) {
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return {Failure(ErrorCode::refused, message + "; is this machine's clock right?"), Remedy::wait};
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
      message += "; the certificate is for another host";
      break;
    case X509_V_ERR_CERT_HAS_EXPIRED:
      message += "; renew it on the server, or check this machine's clock";
      break;
    default:
      message += "; --ca-file names the roots to trust";
  }
  return {Failure(ErrorCode::refused, std::move(message)), Remedy::change_sink};
}

std::optional<SendFailure> certificate_refusal(unsigned long error, const std::string& host,
                                               bool has_certificate) {
  switch (ERR_GET_REASON(error)) {
    case SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE:  // TLS 1.2 has no word for a missing certificate
    case SSL_R_SSLV3_ALERT_BAD_CERTIFICATE:
    case SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED:
    case SSL_R_SSLV3_ALERT_CERTIFICATE_REVOKED:
    case SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN:
    case SSL_R_SSLV3_ALERT_UNSUPPORTED_CERTIFICATE:
    case SSL_R_TLSV1_ALERT_UNKNOWN_CA:
    case SSL_R_TLSV1_ALERT_ACCESS_DENIED:
    case SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED:
      break;
    default:
      return std::nullopt;
  }
  const char* text = ERR_reason_error_string(error);
  const std::string what = has_certificate ? host + " refuses this client's certificate"
                                           : host + " seems to want a client certificate, and none is set";
  return SendFailure(Failure(ErrorCode::refused, what + ": " + (text == nullptr ? "TLS alert" : text)),
                     Remedy::change_sink);
}

bool is_passing_alert(unsigned long error) {
  const int reason = ERR_GET_REASON(error);
  return reason == SSL_R_TLSV1_ALERT_INTERNAL_ERROR || reason == SSL_R_TLSV1_ALERT_USER_CANCELLED;
}

}  // namespace warmdump
