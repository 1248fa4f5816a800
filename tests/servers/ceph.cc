// One monitor, one OSD that stores in memory, and radosgw: no mgr, which would take 290 MB, and no
// authentication between them. radosgw may be killed and started again; what is stored is with the OSD.

#include <fmt/format.h>
#include <unistd.h>

#include <fstream>
#include <stdexcept>

#include "tests/servers/s3_service.h"
#include "tests/servers/server_process.h"
#include "tests/servers/test_certificates.h"

namespace warmdump::test {
namespace {

namespace fs = std::filesystem;
using fmt::arg;

constexpr const char* kAccessKey = "testaccess0000000001";
constexpr const char* kSecretKey = "testsecret/0000000000000000000000000001";

std::string new_uuid() {
  std::ifstream file("/proc/sys/kernel/random/uuid");
  std::string uuid;
  file >> uuid;
  return uuid;
}

class Ceph final : public S3Service {
 public:
  explicit Ceph(fs::path directory) : directory_(std::move(directory)) {
    for (const char* name : {"run", "log", "mon.a", "osd.0", "rgw"})
      fs::create_directories(directory_ / name);
    const TestCertificates certificates(directory_);
    for (const char* authority : {"ca", "other-ca"}) certificates.make_authority(authority);
    certificates.issue("ca", "server", "DNS:localhost,DNS:*.s3.localhost,IP:127.0.0.1");
    run(fmt::format("cd {} && cat server.pem server.key > both.pem", quoted(directory_)));
    const std::string fsid = new_uuid();
    std::ofstream(directory_ / "ceph.conf")
        << fmt::format(fmt::runtime(text_of(CEPH_CONFIGURATION)), arg("fsid", fsid),
                       arg("directory", directory_.string()), arg("monitor_port", mon_v2_),
                       arg("monitor_port_1", mon_v1_), arg("frontend", frontend()), arg("threads", 32));
    start_monitor(fsid);
    start_osd();
    gateway_ = daemon("radosgw", "-n client.rgw");
    wait_for_gateway();
    run(fmt::format(
        "radosgw-admin -c {} user create --uid=dump --display-name=dump --access-key={} --secret-key={}",
        configuration(), kAccessKey, quoted(kSecretKey)));
  }

  std::string url() const override { return fmt::format("http://127.0.0.1:{}", http_port_); }
  std::string https_url() const override { return fmt::format("https://127.0.0.1:{}", https_port_); }
  fs::path ca_file() const override { return directory_ / "ca.pem"; }
  std::string access_key() const override { return kAccessKey; }
  std::string secret_key() const override { return kSecretKey; }
  void kill() override { gateway_->kill(); }
  void restart() override {
    gateway_->start();
    wait_for_gateway();
  }

 private:
  std::string frontend() const {
    return fmt::format("endpoint=127.0.0.1:{} ssl_endpoint=127.0.0.1:{} ssl_certificate={}", http_port_,
                       https_port_, (directory_ / "both.pem").string());
  }
  std::string configuration() const { return quoted(directory_ / "ceph.conf"); }

  std::unique_ptr<ServerProcess> daemon(const std::string& program, const std::string& who) {
    const auto space = who.find(' ');
    return std::make_unique<ServerProcess>(
        std::vector<std::string>{"/usr/bin/" + program, "-f", "-c", directory_ / "ceph.conf",
                                 who.substr(0, space), who.substr(space + 1)},
        directory_ / "log" / (program + ".out"));
  }

  void start_monitor(const std::string& fsid) {
    const std::string map = quoted(directory_ / "monmap");
    run(fmt::format("monmaptool --create --clobber --fsid {} --addv a '[v2:127.0.0.1:{},v1:127.0.0.1:{}]' {}",
                    fsid, mon_v2_, mon_v1_, map));
    run(fmt::format("ceph-mon -c {} --mkfs -i a --monmap {}", configuration(), map));
    monitor_ = daemon("ceph-mon", "-i a");
  }

  void start_osd() {
    const std::string uuid = new_uuid();
    run(fmt::format("timeout 60 ceph -c {} osd new {}", configuration(), uuid));
    run(fmt::format("ceph-osd -c {} -i 0 --mkfs --osd-uuid {}", configuration(), uuid));
    osd_ = daemon("ceph-osd", "-i 0");
    const auto is_up = [this] {
      return run(fmt::format("timeout 60 ceph -c {} osd stat", configuration())).find("1 up") !=
             std::string::npos;
    };
    if (!comes_true(is_up)) throw std::runtime_error("ceph-osd does not come up, see " + directory_.string());
  }

  void wait_for_gateway() {
    if (!comes_true([this] { return answers(http_port_) && answers(https_port_); })) {
      throw std::runtime_error("radosgw does not come up, see " + directory_.string());
    }
  }

  fs::path directory_;
  std::uint16_t mon_v1_ = free_port();
  std::uint16_t mon_v2_ = free_port();
  std::uint16_t http_port_ = free_port();
  std::uint16_t https_port_ = free_port();
  std::unique_ptr<ServerProcess> monitor_;
  std::unique_ptr<ServerProcess> osd_;
  std::unique_ptr<ServerProcess> gateway_;
};

}  // namespace

std::string missing_for_ceph() {
  for (const char* program : {"radosgw", "ceph-mon", "ceph-osd", "ceph", "radosgw-admin", "monmaptool"}) {
    if (access((std::string("/usr/bin/") + program).c_str(), X_OK) != 0) return program;
  }
  return "";
}

std::unique_ptr<S3Service> start_ceph(const fs::path& directory) {
  return std::make_unique<Ceph>(directory);
}

}  // namespace warmdump::test
