#include "tests/servers/squid_server.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <pwd.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <thread>

#include "common/hosted/unique_fd.h"

namespace warmdump {
namespace {

namespace fs = std::filesystem;

constexpr const char* kSquid = "/usr/sbin/squid";

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

std::uint16_t free_port() {
  const UniqueFd fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address = loopback(0);
  socklen_t length = sizeof address;
  if (bind(fd.get(), reinterpret_cast<sockaddr*>(&address), length) != 0 ||
      getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address), &length) != 0) {
    throw std::runtime_error("no free port");
  }
  return ntohs(address.sin_port);
}

bool answers(std::uint16_t port) {
  const UniqueFd fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const sockaddr_in address = loopback(port);
  return connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
}

std::string text_of(const fs::path& path) {
  std::stringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

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
    port_ = free_port();
    write_configuration(options);
    if (start()) return;
  }
  throw std::runtime_error("squid does not start: " + text_of(directory_ / "cache.log") +
                           text_of(directory_ / "output"));
}

SquidServer::~SquidServer() {
  stop();
}

std::string SquidServer::address() const {
  return fmt::format("{}://localhost:{}", has_tls_ ? "https" : "http", port_);
}

std::string SquidServer::access_log() const {
  return text_of(directory_ / "access.log");
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
  const std::string configuration = directory_ / "squid.conf";
  const std::string output = directory_ / "output";
  const pid_t parent = getpid();
  pid_ = fork();
  if (pid_ < 0) throw std::runtime_error("cannot fork");
  if (pid_ == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) _exit(126);
    dup2(open("/dev/null", O_RDONLY), 0);
    const int log = open(output.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    for (const int fd : {1, 2}) dup2(log, fd);
    const std::string name = fmt::format("test{}", getpid());  // of its shared memory; two must not meet
    execl(kSquid, kSquid, "-N", "-n", name.c_str(), "-f", configuration.c_str(), nullptr);
    _exit(127);
  }
  for (int i = 0; i < 3000; ++i) {
    if (waitpid(pid_, nullptr, WNOHANG) == pid_) {
      pid_ = -1;
      return false;
    }
    if (answers(port_)) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  stop();
  return false;
}

void SquidServer::stop() {
  if (pid_ < 0) return;
  ::kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
  pid_ = -1;
}

}  // namespace warmdump
