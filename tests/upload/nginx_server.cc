#include "tests/upload/nginx_server.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <stdexcept>
#include <thread>

#include "common/hosted/unique_fd.h"
#include "tests/upload/dump_fixture.h"

namespace warmdump {
namespace {

namespace fs = std::filesystem;

constexpr const char* kNginx = "/usr/sbin/nginx";

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

constexpr const char* kConfiguration = R"(
{user}
daemon off;
master_process off;
pid {dir}/nginx.pid;
error_log {dir}/error.log;
events {{ worker_connections 64; }}
http {{
  access_log off;
  client_body_temp_path {dir}/body;
  proxy_temp_path {dir}/proxy;
  fastcgi_temp_path {dir}/fastcgi;
  uwsgi_temp_path {dir}/uwsgi;
  scgi_temp_path {dir}/scgi;
  client_max_body_size 0;
  ssl_certificate {dir}/server.pem;
  ssl_certificate_key {dir}/server.key;
  server {{
    listen 127.0.0.1:{http};
    listen 127.0.0.1:{https} ssl;
    root {dir}/root;
    location /dav/ {{ dav_methods PUT; create_full_put_path on; dav_access user:rw; }}
    location /forbidden/ {{ return 403; }}
    location /full/ {{ return 507; }}
    location /small/ {{ client_max_body_size 1m; dav_methods PUT; create_full_put_path on; }}
    location /moved/ {{ return 301 http://127.0.0.1:{http}/dav/; }}
    location /nodav/ {{ }}
    location /private/ {{
      auth_basic dumps; auth_basic_user_file {dir}/users;
      dav_methods PUT; create_full_put_path on;
    }}
  }}
  server {{
    listen 127.0.0.1:{wrong} ssl;
    ssl_certificate {dir}/wrong.pem;
    ssl_certificate_key {dir}/wrong.key;
    root {dir}/root;
    location /dav/ {{ dav_methods PUT; create_full_put_path on; }}
  }}
  server {{
    listen 127.0.0.1:{mutual} ssl;
    ssl_client_certificate {dir}/client-ca.pem;
    ssl_verify_client on;
    root {dir}/root;
    location /dav/ {{ dav_methods PUT; create_full_put_path on; }}
  }}
}}
)";

}  // namespace

std::string NginxServer::missing() {
  if (access(kNginx, X_OK) != 0) return "nginx is not installed (Debian: nginx-light)";
  return TestCertificates::missing();
}

NginxServer::NginxServer(fs::path directory) : directory_(std::move(directory)) {
  fs::create_directories(files());
  make_certificates();
  write_file(directory_ / "users", "device:{PLAIN}s3cret\n");
  for (int attempt = 0; attempt < 3; ++attempt) {
    http_port_ = free_port();
    https_port_ = free_port();
    wrong_host_port_ = free_port();
    mutual_port_ = free_port();
    write_configuration();
    if (start()) return;
  }
  throw std::runtime_error("nginx does not start: " + read_file(directory_ / "error.log"));
}

NginxServer::~NginxServer() {
  kill();
}

void NginxServer::make_certificates() {
  const TestCertificates made = certificates();
  for (const char* authority : {"ca", "other-ca", "client-ca"}) made.make_authority(authority);
  made.issue("ca", "server", "DNS:localhost,IP:127.0.0.1");
  made.issue("ca", "wrong", "DNS:elsewhere.example");
  made.issue("client-ca", "client", "");
  made.issue("other-ca", "stranger", "");
}

void NginxServer::write_configuration() {
  using fmt::arg;
  write_file(directory_ / "nginx.conf",
             fmt::format(kConfiguration, arg("user", geteuid() == 0 ? "user root;" : ""),
                         arg("dir", directory_.string()), arg("http", http_port_), arg("https", https_port_),
                         arg("wrong", wrong_host_port_), arg("mutual", mutual_port_)));
}

bool NginxServer::start() {
  const std::string configuration = directory_ / "nginx.conf";
  const std::string log = directory_ / "error.log";
  const pid_t parent = getpid();
  pid_ = fork();
  if (pid_ < 0) throw std::runtime_error("cannot fork");
  if (pid_ == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) _exit(126);
    const int null = open("/dev/null", O_RDWR);
    for (const int fd : {0, 1, 2}) dup2(null, fd);
    execl(kNginx, kNginx, "-p", directory_.c_str(), "-c", configuration.c_str(), "-e", log.c_str(), nullptr);
    _exit(127);
  }
  for (int i = 0; i < 500; ++i) {
    if (waitpid(pid_, nullptr, WNOHANG) == pid_) {
      pid_ = -1;
      return false;
    }
    if (answers(http_port_) && answers(https_port_) && answers(wrong_host_port_) && answers(mutual_port_))
      return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  kill();
  return false;
}

void NginxServer::kill() {
  if (pid_ < 0) return;
  ::kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
  pid_ = -1;
}

void NginxServer::restart() {
  kill();
  if (!start())
    throw std::runtime_error("nginx does not start again: " + read_file(directory_ / "error.log"));
}

}  // namespace warmdump
