#include "tests/servers/tus_server.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <thread>

#include "common/hosted/unique_fd.h"
#include "tests/upload/dump_fixture.h"

namespace warmdump {
namespace {

namespace fs = std::filesystem;

constexpr const char* kNode = "/usr/bin/node";

// Run in the directory of the packages, so that they are found.
constexpr const char* kScript = R"(
import { Server } from '@tus/server';
import { FileStore } from '@tus/file-store';
import http from 'node:http';
import https from 'node:https';
import fs from 'node:fs';

const o = JSON.parse(process.env.TUS_OPTIONS);
const server = new Server({
  path: '/files',
  relativeLocation: o.relative,
  ...(o.size_max ? { maxSize: o.size_max } : {}),
  datastore: new FileStore({ directory: o.data, expirationPeriodInMilliseconds: o.expires_ms }),
  async onUploadFinish(request, upload) {
    const is_report = upload.metadata?.key?.endsWith('/manifest-report.json');
    return is_report && o.want ? { headers: { 'Warmdump-Want': o.want } } : {};
  },
});
const handle = (request, response) => server.handle(request, response);
const listener = o.tls
  ? https.createServer({ key: fs.readFileSync(o.key), cert: fs.readFileSync(o.certificate) }, handle)
  : http.createServer(handle);
listener.on('error', (error) => { console.error(String(error)); process.exit(1); });
listener.listen(o.port, '127.0.0.1');
)";

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

}  // namespace

std::string TusServer::missing() {
  if (access(kNode, X_OK) != 0) return "node is not installed (scripts/install-deps --test)";
  if (!fs::exists(fs::path(TEST_SERVERS_DIRECTORY) / "node_modules/@tus/server")) {
    return "@tus/server is not installed (scripts/install-npm)";
  }
  return "";
}

TusServer::TusServer(fs::path directory, TusServerOptions options)
    : directory_(std::move(directory)), options_(std::move(options)) {
  fs::create_directories(directory_ / "data");
  if (options_.with_tls) {
    const std::string command = fmt::format(
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost "
        "-addext subjectAltName=DNS:localhost,IP:127.0.0.1 -keyout {0}/server.key -out {0}/server.pem "
        "2>/dev/null",
        directory_.string());
    if (std::system(command.c_str()) != 0) throw std::runtime_error("failed: " + command);
  }
  for (int attempt = 0; attempt < 3; ++attempt) {
    port_ = free_port();
    if (start()) return;
  }
  throw std::runtime_error("the tus server does not start: " + read_file(directory_ / "log"));
}

TusServer::~TusServer() {
  kill();
}

bool TusServer::start() {
  const nlohmann::json options = {{"port", port_},
                                  {"data", (directory_ / "data").string()},
                                  {"key", (directory_ / "server.key").string()},
                                  {"certificate", ca_file().string()},
                                  {"tls", options_.with_tls},
                                  {"relative", options_.relative_location},
                                  {"size_max", options_.size_max},
                                  {"want", options_.want},
                                  {"expires_ms", options_.expires_after_s * 1000}};
  const std::string environment = "TUS_OPTIONS=" + options.dump();
  const std::string log = directory_ / "log";
  const pid_t parent = getpid();
  pid_ = fork();
  if (pid_ < 0) throw std::runtime_error("cannot fork");
  if (pid_ == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent || chdir(TEST_SERVERS_DIRECTORY) != 0) _exit(126);
    dup2(open("/dev/null", O_RDONLY), 0);
    const int output = open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
    for (const int fd : {1, 2}) dup2(output, fd);
    const char* const arguments[] = {kNode, "--input-type=module", "-e", kScript, nullptr};
    const char* const variables[] = {environment.c_str(), "PATH=/usr/bin:/bin", nullptr};
    execve(kNode, const_cast<char* const*>(arguments), const_cast<char* const*>(variables));
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
  kill();
  return false;
}

void TusServer::kill() {
  if (pid_ < 0) return;
  ::kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
  pid_ = -1;
}

void TusServer::restart() {
  kill();
  if (!start())
    throw std::runtime_error("the tus server does not start again: " + read_file(directory_ / "log"));
}

std::string TusServer::address() const {
  return fmt::format("tus+{}://127.0.0.1:{}/files", options_.with_tls ? "https" : "http", port_);
}

std::vector<TusServer::Upload> TusServer::uploads() const {
  std::vector<Upload> uploads;
  for (const auto& entry : fs::directory_iterator(directory_ / "data")) {
    if (entry.path().extension() != ".json") continue;
    const auto record = nlohmann::json::parse(read_file(entry.path()));
    fs::path data = entry.path();
    data.replace_extension();
    uploads.push_back({data, entry.path(), record.at("metadata").at("key").get<std::string>(),
                       record.at("metadata").at("sha256").get<std::string>(),
                       record.at("size").get<std::uint64_t>()});
  }
  return uploads;
}

}  // namespace warmdump
