#include "tests/servers/test_certificates.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <stdexcept>

namespace warmdump {
namespace {

constexpr const char* kOpenssl = "/usr/bin/openssl";
constexpr const char* kNewKey = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes";

void run(const std::string& command) {
  if (std::system(command.c_str()) != 0) throw std::runtime_error("failed: " + command);
}

}  // namespace

std::string TestCertificates::missing() {
  return access(kOpenssl, X_OK) == 0 ? "" : "openssl is not installed (Debian: openssl)";
}

void TestCertificates::make_authority(const std::string& name) const {
  run(fmt::format("{} req -x509 {} -days 2 -subj '/CN={}' -keyout '{}' -out '{}' 2>/dev/null", kOpenssl,
                  kNewKey, name, key(name).string(), certificate(name).string()));
}

void TestCertificates::issue(const std::string& authority, const std::string& name,
                             const std::string& alternative_names) const {
  const std::string base = directory_ / name;
  std::ofstream(base + ".ext") << (alternative_names.empty() ? "basicConstraints=CA:FALSE\n"
                                                             : "subjectAltName=" + alternative_names + "\n");
  run(fmt::format("{} req {} -subj '/CN={}' -keyout '{}' -out '{}.csr' 2>/dev/null", kOpenssl, kNewKey, name,
                  key(name).string(), base));
  run(fmt::format(
      "{} x509 -req -in '{}.csr' -CA '{}' -CAkey '{}' -CAcreateserial -days 2 -extfile '{}.ext' -out '{}' "
      "2>/dev/null",
      kOpenssl, base, certificate(authority).string(), key(authority).string(), base,
      certificate(name).string()));
}

}  // namespace warmdump
