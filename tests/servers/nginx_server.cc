#include "tests/servers/nginx_server.h"

#include <fmt/format.h>
#include <unistd.h>

#include <fstream>
#include <stdexcept>

namespace warmdump {
namespace {

namespace fs = std::filesystem;

constexpr const char* kNginx = "/usr/sbin/nginx";

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
  std::ofstream(directory_ / "users") << "device:{PLAIN}s3cret\n";
  for (int attempt = 0; attempt < 3; ++attempt) {
    http_port_ = test::free_port();
    https_port_ = test::free_port();
    wrong_host_port_ = test::free_port();
    mutual_port_ = test::free_port();
    write_configuration();
    if (start()) return;
  }
  throw std::runtime_error("nginx does not start: " + test::text_of(directory_ / "error.log"));
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
  std::ofstream(directory_ / "nginx.conf")
      << fmt::format(kConfiguration, arg("user", geteuid() == 0 ? "user root;" : ""),
                     arg("dir", directory_.string()), arg("http", http_port_), arg("https", https_port_),
                     arg("wrong", wrong_host_port_), arg("mutual", mutual_port_));
}

bool NginxServer::start() {
  process_.emplace(std::vector<std::string>{kNginx, "-p", directory_, "-c", directory_ / "nginx.conf", "-e",
                                            directory_ / "error.log"},
                   directory_ / "output");
  return process_->comes_up({http_port_, https_port_, wrong_host_port_, mutual_port_});
}

void NginxServer::restart() {
  if (!start())
    throw std::runtime_error("nginx does not start again: " + test::text_of(directory_ / "error.log"));
}

}  // namespace warmdump
