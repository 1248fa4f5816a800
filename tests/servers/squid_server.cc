#include "tests/servers/squid_server.h"

#include <fmt/format.h>
#include <pwd.h>
#include <unistd.h>

#include <fstream>
#include <stdexcept>

namespace warmdump {
namespace {

namespace fs = std::filesystem;

constexpr const char* kSquid = "/usr/sbin/squid";

// Started by root it goes on as this user, and refuses not to.
void give_to_squid(const fs::path& directory) {
  if (geteuid() != 0) return;
  const passwd* user = getpwnam("proxy");
  if (user == nullptr || chown(directory.c_str(), user->pw_uid, user->pw_gid) != 0) {
    throw std::runtime_error("squid's user cannot have " + directory.string());
  }
  fs::permissions(directory.parent_path(), fs::perms::group_exec | fs::perms::others_exec,
                  fs::perm_options::add);
}

// Squid's helper: answers OK to its one user and nobody else.
constexpr const char* kCheckPassword = R"(#!/bin/sh
while read -r user password; do
    if [ "$user $password" = "device s3cret" ]; then echo OK; else echo ERR; fi
done
)";

constexpr const char* kConfiguration = R"({port_line}
pid_filename none
cache deny all
cache_mem 0 MB
access_log stdio:{dir}/access.log
cache_log {dir}/cache.log
cache_store_log none
coredump_dir {dir}
netdb_filename none
pinger_enable off
shutdown_lifetime 0 seconds
workers 1
visible_hostname proxy.test
logfile_rotate 0
{auth}
http_access deny all
)";

}  // namespace

std::string SquidServer::missing() {
  return access(kSquid, X_OK) == 0 ? "" : "squid is not installed (Debian: squid-openssl)";
}

SquidServer::SquidServer(fs::path directory, const SquidOptions& options)
    : directory_(std::move(directory)), has_tls_(!options.certificate.empty()) {
  fs::create_directories(directory_);
  give_to_squid(directory_);
  for (int attempt = 0; attempt < 3; ++attempt) {
    port_ = test::free_port();
    write_configuration(options);
    if (start()) return;
  }
  throw std::runtime_error("squid does not start: " + test::text_of(directory_ / "cache.log") +
                           test::text_of(directory_ / "output"));
}

std::string SquidServer::address() const {
  return fmt::format("{}://localhost:{}", has_tls_ ? "https" : "http", port_);
}

std::string SquidServer::access_log() const {
  return test::text_of(directory_ / "access.log");
}

void SquidServer::write_configuration(const SquidOptions& options) const {
  const std::string dir = directory_;
  const std::string port_line = has_tls_
                                    ? fmt::format("https_port 127.0.0.1:{} tls-cert={} tls-key={}", port_,
                                                  options.certificate.string(), options.key.string())
                                    : fmt::format("http_port 127.0.0.1:{}", port_);
  std::string auth = "http_access allow all";
  if (options.wants_password) {
    const fs::path helper = directory_ / "check_password";
    std::ofstream(helper) << kCheckPassword;
    fs::permissions(helper, fs::perms::owner_all | fs::perms::group_read | fs::perms::group_exec |
                                fs::perms::others_read | fs::perms::others_exec);
    auth = fmt::format(
        "auth_param basic program {}\nauth_param basic children 1 startup=1\nauth_param basic realm test\n"
        "acl known proxy_auth REQUIRED\nhttp_access allow known",
        helper.string());
  }
  std::ofstream(directory_ / "squid.conf") << fmt::format(kConfiguration, fmt::arg("port_line", port_line),
                                                          fmt::arg("dir", dir), fmt::arg("auth", auth));
}

bool SquidServer::start() {
  // The name is that of its shared memory, of which two must not meet.
  process_.emplace(std::vector<std::string>{kSquid, "-N", "-n", fmt::format("test{}", port_), "-f",
                                            directory_ / "squid.conf"},
                   directory_ / "output");
  return process_->comes_up({port_});
}

}  // namespace warmdump
