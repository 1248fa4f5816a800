// Recovery as it ships, with the extractor that reads real dumps, killed by SIGKILL at random moments:
// whatever the moment, the next run ends with the very dump that an undisturbed run makes.

#include <gmock/gmock.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <map>
#include <random>

#include "common/stopwatch.h"
#include "kill_at_syscall.h"
#include "recover/dump_reader_extractor.h"
#include "recover/recover_machine.h"
#include "tests/recover/region_fixture.h"
#include "tests/support/dump_builder.h"
#include "tests/support/fake_pmem_regions.h"

namespace warmdump::test {
namespace {

using dump_format::State;

constexpr int kKills = 200;
// Killed again while it repairs what the kill before left.
constexpr unsigned kChainMax = 3;

class RecoverKilledTest : public testing::Test {
 protected:
  RecoverKilledTest() {
    SmallMachine machine = make_small_machine();
    machine.builder.header.crash_time_s =
        1'700'000'000;  // else the name of the directory is the time of each run
    const MemoryDevice device = machine.builder.build();
    image_.resize(device.size());
    EXPECT_TRUE(device.read_at(0, image_));
  }
  void start_over() {
    std::error_code ignored;
    fs::remove_all(spool_, ignored);
    std::ofstream(file_, std::ios::binary)
        .write(reinterpret_cast<const char*>(image_.data()), static_cast<std::streamsize>(image_.size()));
  }
  Outcome<Recovery> recover() {
    RecoverRequest request;
    request.region = file_;
    request.spool = spool_;
    request.host = "host";
    request.return_to_system = false;
    request.trust.unauthenticated = Unauthenticated::keep;  // its dump carries no seal
    request.trust.records = ArmRecords(spool_ / ".." / "records");
    FakePmemRegions regions;
    DumpReaderExtractor extractor;
    RecordingEvents events;
    return recover_machine(request, regions, extractor, events);
  }
  // Everything in the spool by name; of a text with times in it only that it is there.
  std::map<std::string, std::string> spool_content() {
    std::map<std::string, std::string> content;
    for (const auto& entry : fs::recursive_directory_iterator(spool_)) {
      const bool differs = entry.path().extension() == ".json" || entry.path().extension() == ".html";
      content[fs::relative(entry.path(), spool_)] =
          entry.is_regular_file() && !differs ? content_of(entry.path()) : "";
    }
    return content;
  }
  void expect_the_end(const std::map<std::string, std::string>& expected, const std::string& when) {
    const auto recovered = recover();
    ASSERT_TRUE(recovered) << when << ": " << recovered.error().message;
    EXPECT_EQ(spool_content(), expected) << when;
    MemoryRegion after(image_.size());
    std::ifstream(file_, std::ios::binary)
        .read(reinterpret_cast<char*>(after.bytes.data()), static_cast<std::streamsize>(after.size()));
    EXPECT_EQ(after.leftovers(), 0U) << when;
    EXPECT_EQ(state_of(after), State::cleared) << when;
  }
  // False when it ended before.
  bool run_killed_after(std::uint64_t microseconds) {
    const pid_t child = ::fork();
    if (child == 0) {
      (void)recover();
      ::_exit(0);
    }
    ::usleep(static_cast<useconds_t>(microseconds));
    ::kill(child, SIGKILL);
    int status = 0;
    ::waitpid(child, &status, 0);
    return WIFSIGNALED(status);
  }

  TemporaryDirectory temporary_{TemporaryDirectory::Place::memory};
  fs::path file_ = temporary_.path() / "region";
  fs::path spool_ = temporary_.path() / "spool";
  std::vector<std::byte> image_;
};

TEST_F(RecoverKilledTest, at_random_moments) {
  start_over();
  const Stopwatch undisturbed;
  ASSERT_TRUE(recover());
  const std::uint64_t length_us = undisturbed.elapsed_us();
  const auto expected = spool_content();
  ASSERT_GE(expected.size(), 4U);

  const char* given = std::getenv("WARMDUMP_TEST_SEED");
  const unsigned seed = given != nullptr ? static_cast<unsigned>(std::atoi(given)) : std::random_device{}();
  std::printf("seed %u (WARMDUMP_TEST_SEED=%u repeats it)\n", seed, seed);
  std::mt19937 chance(seed);
  int kills = 0;
  for (int round = 0; kills < kKills && round < 4 * kKills; ++round) {
    start_over();
    std::string when = "seed " + std::to_string(seed) + ", killed after";
    for (unsigned run = 0; run < 1 + chance() % kChainMax; ++run) {
      const std::uint64_t moment_us = chance() % (length_us + length_us / 4 + 1);
      when += " " + std::to_string(moment_us) + " us";
      kills += run_killed_after(moment_us) ? 1 : 0;
    }
    expect_the_end(expected, when);
    if (HasFailure()) return;
  }
  EXPECT_GE(kills, kKills) << "most runs ended before they could be killed";
}

TEST_F(RecoverKilledTest, at_every_system_call_with_real_frames) {
  start_over();
  ASSERT_TRUE(recover());
  const auto expected = spool_content();
  int kills = 0;
  // Every third stop: entry and exit of a call differ little, and each run decodes the dump.
  for (int stop = 1;; stop += 3) {
    start_over();
    const KillResult result = run_killed_at_syscall(stop, [&] { (void)recover(); });
    if (result == KillResult::cannot_trace) GTEST_SKIP() << "ptrace(2) is not allowed here";
    expect_the_end(expected, "killed at system call stop " + std::to_string(stop));
    if (HasFailure()) return;
    if (result == KillResult::finished) break;
    ++kills;
  }
  EXPECT_GT(kills, 50);
}

}  // namespace
}  // namespace warmdump::test
