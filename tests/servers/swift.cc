// OpenStack Swift with its s3api, all servers on loopback: the second opinion, stricter than most. Without
// workers: each server is one process, and dies whole.

#include <fmt/format.h>
#include <unistd.h>

#include <fstream>
#include <stdexcept>

#include "tests/servers/s3_service.h"
#include "tests/servers/server_process.h"

namespace warmdump::test {
namespace {

namespace fs = std::filesystem;

constexpr const char* kStorageServer = R"([DEFAULT]
bind_ip = 127.0.0.1
bind_port = {port}
user = {user}
swift_dir = {dir}/etc
devices = {dir}/srv
mount_check = false
workers = 0
disable_fallocate = true
[pipeline:main]
pipeline = {name}-server
[app:{name}-server]
use = egg:swift#{name}
[{name}-replicator]
[{name}-auditor]
[{name}-updater]
)";

constexpr const char* kProxyServer = R"([DEFAULT]
bind_ip = 127.0.0.1
bind_port = {port}
user = {user}
swift_dir = {dir}/etc
workers = 0
[pipeline:main]
pipeline = catch_errors gatekeeper proxy-logging cache bulk s3api tempauth copy slo dlo versioned_writes proxy-server
[app:proxy-server]
use = egg:swift#proxy
allow_account_management = true
account_autocreate = true
[filter:catch_errors]
use = egg:swift#catch_errors
[filter:gatekeeper]
use = egg:swift#gatekeeper
[filter:proxy-logging]
use = egg:swift#proxy_logging
[filter:cache]
use = egg:swift#memcache
memcache_servers = 127.0.0.1:{memcached}
[filter:bulk]
use = egg:swift#bulk
[filter:s3api]
use = egg:swift#s3api
location = us-east-1
[filter:tempauth]
use = egg:swift#tempauth
user_test_tester = testing .admin
[filter:copy]
use = egg:swift#copy
[filter:slo]
use = egg:swift#slo
[filter:dlo]
use = egg:swift#dlo
[filter:versioned_writes]
use = egg:swift#versioned_writes
)";

// Swift reads /etc/swift/swift.conf unless told otherwise before its first use.
constexpr const char* kRun =
    "import sys; from swift.common import utils; utils.SWIFT_CONF_FILE=sys.argv[1]; "
    "from swift.common.wsgi import run_wsgi; "
    "sys.exit(run_wsgi(sys.argv[2], sys.argv[3], log_to_console=True, verbose=True))";

class Swift final : public S3Service {
 public:
  explicit Swift(fs::path directory) : directory_(std::move(directory)) {
    fs::create_directories(directory_ / "srv/d1");
    fs::create_directories(directory_ / "etc");
    user_ = run("id -un");
    user_.pop_back();
    std::ofstream(directory_ / "etc/swift.conf")
        << "[swift-hash]\nswift_hash_path_suffix = test\nswift_hash_path_prefix = test\n";
    memcached_ = std::make_unique<ServerProcess>(
        std::vector<std::string>{"/usr/bin/memcached", "-u", user_, "-l", "127.0.0.1", "-p",
                                 std::to_string(memcached_port_), "-m", "32"},
        directory_ / "memcached.log");
    for (const char* name : {"account", "container", "object"}) add_storage_server(name);
    std::ofstream(directory_ / "etc/proxy-server.conf")
        << fmt::format(kProxyServer, fmt::arg("port", port_), fmt::arg("user", user_),
                       fmt::arg("dir", directory_.string()), fmt::arg("memcached", memcached_port_));
    proxy_ = server("proxy");
    for (const std::uint16_t port : storage_ports_) wait_for(port);
    wait_for(port_);
  }

  std::string url() const override { return fmt::format("http://127.0.0.1:{}", port_); }
  std::string https_url() const override { return ""; }
  fs::path ca_file() const override { return ""; }
  std::string access_key() const override { return "test:tester"; }
  std::string secret_key() const override { return "testing"; }
  void kill() override { proxy_->kill(); }
  void restart() override {
    proxy_->start();
    wait_for(port_);
  }

 private:
  void add_storage_server(const std::string& name) {
    const std::uint16_t port = free_port();
    run(
        fmt::format("cd {0}/etc && swift-ring-builder {1}.builder create 4 1 1 && "
                    "swift-ring-builder {1}.builder add r1z1-127.0.0.1:{2}/d1 1 && "
                    "swift-ring-builder {1}.builder rebalance",
                    quoted(directory_), name, port));
    std::ofstream(directory_ / "etc" / (name + "-server.conf"))
        << fmt::format(kStorageServer, fmt::arg("port", port), fmt::arg("user", user_),
                       fmt::arg("dir", directory_.string()), fmt::arg("name", name));
    storage_.push_back(server(name));
    storage_ports_.push_back(port);
  }

  std::unique_ptr<ServerProcess> server(const std::string& name) {
    return std::make_unique<ServerProcess>(
        std::vector<std::string>{"/usr/bin/python3", "-c", kRun, directory_ / "etc/swift.conf",
                                 directory_ / "etc" / (name + "-server.conf"), name + "-server"},
        directory_ / (name + ".log"));
  }

  void wait_for(std::uint16_t port) {
    if (!comes_true([port] { return answers(port); })) {
      throw std::runtime_error("swift does not come up, see " + directory_.string());
    }
  }

  fs::path directory_;
  std::string user_;
  std::uint16_t port_ = free_port();
  std::uint16_t memcached_port_ = free_port();
  std::unique_ptr<ServerProcess> memcached_;
  std::vector<std::unique_ptr<ServerProcess>> storage_;
  std::vector<std::uint16_t> storage_ports_;
  std::unique_ptr<ServerProcess> proxy_;
};

}  // namespace

std::string missing_for_swift() {
  for (const char* program : {"swift-proxy-server", "swift-account-server", "swift-container-server",
                              "swift-object-server", "swift-ring-builder", "memcached"}) {
    if (access((std::string("/usr/bin/") + program).c_str(), X_OK) != 0) return program;
  }
  return "";
}

std::unique_ptr<S3Service> start_swift(const fs::path& directory) {
  return std::make_unique<Swift>(directory);
}

}  // namespace warmdump::test
