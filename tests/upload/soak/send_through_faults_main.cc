// Uploads to a server that runs already, through a FaultRelay; tests/upload/soak/faults starts the server and
// calls this.
//
//   send_through_faults s3|tus PORT DIRECTORY CREDENTIALS|STORE UPLOADS MEBIBYTES FAULTS SEED
//
// For s3 CREDENTIALS is a file as of credentials_file; the bucket "dumps" is there, and s3cmd reads it back
// by the file DIRECTORY/s3cmd.conf. For tus STORE is the directory in which @tus/file-store keeps what it
// has. Status 0 when every object is as it must be.

#include <fmt/format.h>
#include <sys/wait.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <stdexcept>

#include "tests/servers/tus_server.h"
#include "tests/upload/dump_fixture.h"
#include "tests/upload/faulty_uploads.h"

namespace warmdump {
namespace {

namespace fs = std::filesystem;

constexpr ByteCount kPartBytes = 5 * kMiB;

std::string digest_of_file(const fs::path& path) {
  const std::string bytes = read_file(path);
  return sha256_of(TextSource(bytes), bytes.size(), [](ByteCount) {}).value();
}

void run(const std::string& command) {
  const int status = std::system(command.c_str());
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) throw std::runtime_error("failed: " + command);
}

class S3UnderTest final : public ServerUnderTest {
 public:
  S3UnderTest(std::uint16_t port, fs::path directory, std::string credentials)
      : port_(port), directory_(std::move(directory)), credentials_(std::move(credentials)) {}

  std::uint16_t port() const override { return port_; }
  std::string address(std::uint16_t) const override { return "s3://dumps/fleet"; }
  DestinationOptions options(std::uint16_t port) const override {
    DestinationOptions options;
    options.endpoint = fmt::format("http://127.0.0.1:{}", port);
    options.credentials_file = credentials_;
    options.part_bytes = kPartBytes;
    options.parallel_pieces = 2;
    return options;
  }

  std::multimap<std::string, std::string> objects() override {
    const fs::path back = directory_ / "back";
    fs::remove_all(back);
    fs::create_directories(back);
    run(fmt::format("s3cmd -c {}/s3cmd.conf --quiet get --recursive s3://dumps/ {}/ >&2", directory_.string(),
                    back.string()));
    std::multimap<std::string, std::string> objects;
    for (const auto& entry : fs::recursive_directory_iterator(back)) {
      if (!entry.is_regular_file()) continue;
      objects.emplace(fs::relative(entry.path(), back / "fleet").string(), digest_of_file(entry.path()));
    }
    return objects;
  }

  void remove_all() override {
    run(fmt::format("s3cmd -c {}/s3cmd.conf --quiet del --recursive --force s3://dumps/ >&2",
                    directory_.string()));
  }

 private:
  std::uint16_t port_;
  fs::path directory_;
  std::string credentials_;
};

class TusUnderTest final : public ServerUnderTest {
 public:
  explicit TusUnderTest(const fs::path& directory) : server_(directory / "tus", {}) {}

  std::uint16_t port() const override { return server_.port(); }
  // By what it writes into Location, the server believes the port at which it was asked.
  std::string address(std::uint16_t port) const override {
    return fmt::format("tus+http://127.0.0.1:{}/files", port);
  }
  DestinationOptions options(std::uint16_t) const override {
    DestinationOptions options;
    options.part_bytes = kPartBytes;
    return options;
  }

  std::multimap<std::string, std::string> objects() override {
    std::multimap<std::string, std::string> objects;
    for (const auto& upload : server_.uploads()) {
      // One that was begun, and whose answer was lost.
      std::error_code error;
      if (fs::file_size(upload.data, error) != upload.size || error) continue;
      objects.emplace(upload.key, digest_of_file(upload.data));
    }
    return objects;
  }

  void remove_all() override {
    for (const auto& upload : server_.uploads()) {
      fs::remove(upload.data);
      fs::remove(upload.record);
    }
  }

 private:
  TusServer server_;
};

int run(int argc, char** argv) {
  if (argc != 9) {
    std::fputs("usage: send_through_faults s3|tus PORT DIRECTORY CREDENTIALS UPLOADS MEBIBYTES FAULTS SEED\n",
               stderr);
    return 2;
  }
  const auto number = [argv](int at) { return static_cast<unsigned>(std::stoul(argv[at])); };
  const auto port = static_cast<std::uint16_t>(number(2));
  const fs::path directory = argv[3];
  std::unique_ptr<ServerUnderTest> server;
  if (argv[1] == std::string("s3")) {
    server = std::make_unique<S3UnderTest>(port, directory, argv[4]);
  } else {
    if (const std::string missing = TusServer::missing(); !missing.empty()) {
      std::puts(("NOT TESTED: " + missing).c_str());
      return 77;
    }
    server = std::make_unique<TusUnderTest>(directory);
  }
  FaultyUploads wanted;
  wanted.uploads = number(5);
  wanted.vmcore_bytes = number(6) * kMiB;
  wanted.faults = number(7);
  wanted.seed = number(8);
  wanted.bounds.body_bytes = kPartBytes;  // further on in a turn none would ever happen
  const auto report = send_through_faults(*server, wanted, directory / "spool", [](const std::string& line) {
    std::fprintf(stderr, "%s\n", line.c_str());
  });
  std::puts(
      fmt::format(
          "{}: {} uploads of {} MiB, {} faults ({}), {} runs, {:.2f} times the payload sent, {:.0f} s; {}",
          argv[1], report.uploads, number(6), report.faults, report.account, report.runs,
          static_cast<double>(report.sent) / static_cast<double>(report.payload), report.seconds,
          report.problem.empty() ? "each object byte-identical, none missing, none double"
                                 : "WRONG: " + report.problem)
          .c_str());
  return report.problem.empty() && report.uploads == wanted.uploads ? 0 : 1;
}

}  // namespace
}  // namespace warmdump

int main(int argc, char** argv) {
  try {
    return warmdump::run(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "send_through_faults: %s\n", error.what());
    return 1;
  }
}
