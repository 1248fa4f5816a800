// A spool of small dumps, a server in a folder, state in memory and a clock that a test turns.

#pragma once

#include "tests/upload/dump_fixture.h"
#include "tests/upload/folder_server.h"
#include "tests/upload/memory_state_files.h"
#include "upload/queue/record_store.h"
#include "upload/queue/upload_queue.h"

namespace warmdump {

class QueueTest : public testing::Test {
 protected:
  static constexpr ByteCount kPiece = 1000;

  QueueTest() {
    std::filesystem::create_directories(spool);
    options.spool = spool;
    options.device = "device";
    options.spread = std::chrono::seconds(0);
    options.limits.pages_per_signature = 0;
  }

  // The n-th crash, in the order of calls.
  std::filesystem::path add_dump(const std::string& name, const std::string& signature, std::size_t bytes) {
    const auto path = spool / name;
    std::filesystem::create_directories(path);
    write_file(path / ".dump-id", name + "\n1\n");
    write_file(path / "vmcore-dmesg.txt", "log of " + name + "\n");
    write_file(path / "vmcore", std::string(bytes - 1, static_cast<char>('a' + dumps_added % 26)) + "!");
    write_file(path / "meta.json",
               "{\"schema\": 1, \"crash_time\": " + std::to_string(1'760'000'000 + dumps_added) +
                   ", \"signature\": {\"version\": 1, \"key\": \"" + signature + "\"}}");
    ++dumps_added;
    return path;
  }

  QueueReport run() {
    auto report = run_or_fail();
    EXPECT_TRUE(report) << report.error().message;
    return report ? std::move(*report) : QueueReport();
  }
  Outcome<QueueReport> run_or_fail() {
    QueueSeams seams{server, state,  clock, progress, boot_id, [this] { return surroundings; },
                     random, nullptr};
    seams.stop = stop;
    return run_queue(options, seams);
  }

  std::vector<std::string> finished() const {  // names of objects, in the order in which they arrived
    std::vector<std::string> names;
    for (const auto& line : server.log("finish")) {
      const auto dump = line.substr(line.find('/') + 1);
      names.push_back(dump.substr(0, dump.find('-')) +
                      dump.substr(dump.find('/'), dump.find(' ') - dump.find('/')));
    }
    return names;
  }
  std::vector<DumpRecord> records() {
    std::vector<std::string> untold;
    return *RecordStore(state).all(untold);
  }
  DumpRecord record_of(const std::string& name) {
    for (auto& record : records()) {
      if (record.name == name) return record;
    }
    ADD_FAILURE() << "no record of " << name;
    return {};
  }

  test::TemporaryDirectory temporary{test::TemporaryDirectory::Place::memory};
  std::filesystem::path spool = temporary / "crash";
  FolderServer server{temporary / "server", kPiece};
  MemoryStateFiles state;
  VirtualClock clock;
  RecordedProgress progress;
  Surroundings surroundings;
  QueueOptions options;
  std::string boot_id = "boot-1";
  std::function<double()> random = [] { return 0.5; };
  const StopRequest* stop = nullptr;
  int dumps_added = 0;
};

}  // namespace warmdump
