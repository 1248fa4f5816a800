#include "tests/servers/tus_server.h"

#include <fmt/format.h>
#include <unistd.h>

#include <nlohmann/json.hpp>
#include <stdexcept>

#include "tests/servers/test_certificates.h"

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

}  // namespace

std::string TusServer::missing() {
  if (access(kNode, X_OK) != 0) return "node is not installed (scripts/install-deps --test)";
  if (!fs::exists(fs::path(NODE_PACKAGES) / "node_modules/@tus/server")) {
    return "@tus/server is not installed (scripts/install-npm)";
  }
  return "";
}

TusServer::TusServer(fs::path directory, TusServerOptions options)
    : directory_(std::move(directory)), options_(std::move(options)) {
  fs::create_directories(directory_ / "data");
  if (options_.with_tls) {
    const TestCertificates certificates(directory_);
    certificates.make_authority("ca");
    certificates.issue("ca", "server", "DNS:localhost,IP:127.0.0.1");
  }
  for (int attempt = 0; attempt < 3; ++attempt) {
    port_ = test::free_port();
    if (start()) return;
  }
  throw std::runtime_error("the tus server does not start: " + test::text_of(directory_ / "log"));
}

bool TusServer::start() {
  const nlohmann::json options = {{"port", port_},
                                  {"data", (directory_ / "data").string()},
                                  {"key", (directory_ / "server.key").string()},
                                  {"certificate", (directory_ / "server.pem").string()},
                                  {"tls", options_.with_tls},
                                  {"relative", options_.relative_location},
                                  {"size_max", options_.size_max},
                                  {"want", options_.want},
                                  {"expires_ms", options_.expires_after_s * 1000}};
  process_.emplace(std::vector<std::string>{kNode, "--input-type=module", "-e", kScript}, directory_ / "log",
                   std::vector<std::string>{"TUS_OPTIONS=" + options.dump()}, NODE_PACKAGES);
  return process_->comes_up({port_});
}

void TusServer::restart() {
  if (!start())
    throw std::runtime_error("the tus server does not start again: " + test::text_of(directory_ / "log"));
}

std::string TusServer::address() const {
  return fmt::format("tus+{}://127.0.0.1:{}/files", options_.with_tls ? "https" : "http", port_);
}

std::vector<TusServer::Upload> TusServer::uploads() const {
  std::vector<Upload> uploads;
  for (const auto& entry : fs::directory_iterator(directory_ / "data")) {
    if (entry.path().extension() != ".json") continue;
    const auto record = nlohmann::json::parse(test::text_of(entry.path()));
    fs::path data = entry.path();
    data.replace_extension();
    uploads.push_back({data, entry.path(), record.at("metadata").at("key").get<std::string>(),
                       record.at("metadata").at("sha256").get<std::string>(),
                       record.at("size").get<std::uint64_t>()});
  }
  return uploads;
}

}  // namespace warmdump
