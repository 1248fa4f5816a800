#include "tests/upload/faulty_uploads.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <random>
#include <vector>

#include "common/hosted/sha256.h"
#include "tests/upload/dump_fixture.h"
#include "upload/queue/upload.h"
#include "upload/source/dump_key.h"

namespace warmdump {
namespace {

namespace fs = std::filesystem;

constexpr unsigned kRunsMax = 200;
constexpr const char* kDevice = "relay-test";

fs::path make_dump(const fs::path& directory, unsigned number, const FaultyUploads& wanted) {
  const fs::path dump = directory / fmt::format("host-2026-01-31-23:{:02}:{:02}", number / 60, number % 60);
  fs::create_directories(dump);
  write_file(dump / "meta.json", fmt::format("{{\"schema\": 1, \"number\": {}}}\n", number));
  write_file(dump / "vmcore-dmesg.txt", fmt::format("[    1.000000] Kernel panic: test {}\n", number));
  std::mt19937_64 random(wanted.seed * 1000 + number);
  std::vector<std::uint64_t> words(wanted.vmcore_bytes / sizeof(std::uint64_t));
  std::generate(words.begin(), words.end(), std::ref(random));
  std::ofstream(dump / "vmcore", std::ios::binary)
      .write(reinterpret_cast<const char*>(words.data()),
             static_cast<std::streamsize>(words.size() * sizeof(std::uint64_t)));
  return dump;
}

std::string digest_of_text(const std::string& text) {
  return sha256_of(TextSource(text), text.size(), [](ByteCount) {}).value();
}

// What the server must have afterwards, and the size of it.
std::multimap<std::string, std::string> wanted_objects(const fs::path& path, ByteCount& bytes) {
  auto opened = open_dump_directory(path.string());
  DumpDirectory& dump = opened.value();
  hash_files(dump, [](ByteCount) {}).value();
  const std::string id = dump_id(dump);
  const std::string key = dump_key(kDevice, dump.name, id);
  std::multimap<std::string, std::string> objects;
  for (const auto& file : dump.files) objects.emplace(key + "/" + key_segment(file.name), file.sha256);
  for (const bool is_whole : {false, true}) {
    const auto name = is_whole ? kManifestName : kReportManifestName;
    objects.emplace(key + "/" + std::string(name),
                    digest_of_text(manifest_text(dump, id, kDevice, is_whole)));
  }
  bytes += dump.total_bytes();
  return objects;
}

std::string difference(const std::multimap<std::string, std::string>& found,
                       const std::multimap<std::string, std::string>& wanted) {
  for (const auto& [key, digest] : wanted) {
    if (found.count(key) == 0) return key + " is missing";
    if (found.count(key) > 1) return key + " is there more than once";
    if (found.find(key)->second != digest) return key + " has other bytes";
  }
  for (const auto& [key, digest] : found) {
    if (!wanted.contains(key)) return key + " should not be there";
  }
  return "";
}

}  // namespace

FaultyUploadsReport send_through_faults(ServerUnderTest& server, const FaultyUploads& wanted,
                                        const fs::path& directory,
                                        const std::function<void(const std::string&)>& say) {
  FaultyUploadsReport report;
  FaultRelay relay(server.port(), wanted.seed, 0, wanted.bounds);
  auto state = open_state_directory(directory.string() + "-state");  // by which the next run goes on
  if (!state.has_value()) {
    report.problem = state.error().message;
    return report;
  }
  VirtualClock clock;  // waits between attempts cost nothing
  std::mt19937_64 random(wanted.seed);
  const auto start = std::chrono::steady_clock::now();
  for (unsigned number = 0; number < wanted.uploads && report.problem.empty(); ++number) {
    const fs::path dump = make_dump(directory, number, wanted);
    const auto expected = wanted_objects(dump, report.payload);
    relay.add_faults(wanted.faults * (number + 1) / wanted.uploads - wanted.faults * number / wanted.uploads);
    std::string failure;
    bool is_sent = false;
    for (unsigned run = 0; run < kRunsMax && !is_sent; ++run) {
      // A destination of its own for each run, as a process of its own would have.
      auto destination = make_destination(server.address(relay.port()), server.options(relay.port()));
      if (!destination.has_value()) {
        report.problem = destination.error().message;
        return report;
      }
      UploadOptions options;
      options.device = kDevice;
      options.state = state->get();
      options.random = [&random] { return std::uniform_real_distribution<double>(0, 1)(random); };
      RecordedProgress progress;
      auto sent = upload_dump(dump.string(), **destination, options, progress, clock);
      ++report.runs;
      is_sent = sent.has_value();
      if (is_sent) break;
      failure = sent.error().failure.message;
      if (!is_temporary(sent.error())) break;
    }
    if (!is_sent) {
      report.problem = fmt::format("upload {} was given up: {}", number, failure);
      break;
    }
    ++report.uploads;
    report.problem = difference(server.objects(), expected);
    say(fmt::format("upload {}: {} faults so far, {} runs{}", number + 1, relay.happened(), report.runs,
                    report.problem.empty() ? "" : ": " + report.problem));
    server.remove_all();
    fs::remove_all(dump);
  }
  report.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  report.faults = relay.happened();
  report.sent = relay.client_bytes();
  report.account = relay.account();
  return report;
}

}  // namespace warmdump
