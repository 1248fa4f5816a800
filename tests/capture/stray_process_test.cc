// A second process writes into the region while the real program captures: over frames that are written, and
// over both copies of the header. The finished dump is whole, the damage is counted.

#include <fcntl.h>
#include <gmock/gmock.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <random>

#include "common/dump_format/dump_header.h"
#include "common/file_device.h"
#include "tests/capture/dump_checks.h"
#include "tests/support/capture_program.h"
#include "tests/support/recipe_files.h"
#include "tests/support/temporary_directory.h"

namespace warmdump {
namespace {

using namespace dump_format;

// Fewer than the passes after which the capture gives up.
constexpr unsigned kStraysMax = 20;

// Stops the program again and again, wherever it is, and damages the region while it stands still; so it is
// known that the damage is done before the program's last look. Returns how much was damaged.
unsigned damage_while_running(pid_t child, int region, unsigned seed) {
  std::mt19937 random(seed);
  unsigned strays = 0;
  while (strays < kStraysMax) {
    ::usleep(static_cast<useconds_t>(200 + random() % 2000));
    ::kill(child, SIGSTOP);
    int status = 0;
    ::waitpid(child, &status, WUNTRACED);
    if (!WIFSTOPPED(status)) break;
    std::array<std::byte, kHeaderSize> header_bytes;
    RegionHeader header{};
    for (const ByteCount offset : {kHeaderOffset, kHeaderCopyOffset}) {
      if (::pread(region, header_bytes.data(), header_bytes.size(), static_cast<off_t>(offset)) !=
          kHeaderSize)
        continue;
      const auto decoded = decode_header(header_bytes);
      if (decoded.has_value() && decoded->sequence > header.sequence) header = *decoded;
    }
    const auto state = static_cast<State>(std::uint32_t{header.state});
    const std::uint64_t frames_end = header.frames_end;
    // A device that begins only while frames are read back may come too late for the last look.
    const bool is_early = header.phase != static_cast<std::uint32_t>(Phase::read_back);
    if (state == State::writing && frames_end > kFramesOffset && (is_early || strays > 0)) {
      const std::string garbage(1 + random() % 3000, '\xa5');
      std::vector<std::uint64_t> places;
      for (int i = 0; i < 3; ++i) places.push_back(kFramesOffset + random() % (frames_end - kFramesOffset));
      if (random() % 4 == 0) {
        places.push_back(kHeaderOffset + random() % 1000);
        places.push_back(kHeaderCopyOffset + random() % 1000);
      }
      for (const std::uint64_t place : places) {
        const auto size = static_cast<ssize_t>(garbage.size());
        EXPECT_EQ(::pwrite(region, garbage.data(), garbage.size(), static_cast<off_t>(place)), size);
      }
      ++strays;
    }
    ::kill(child, SIGCONT);
  }
  return strays;
}

class StrayProcess : public testing::TestWithParam<const char*> {};

TEST_P(StrayProcess, TheFinishedDumpIsWhole) {
  const test::TemporaryDirectory directory(test::TemporaryDirectory::Place::memory);
  const std::string text = test::recipe_text("linux_6_1") + "\ncontent 0x2000+0x2000 random\n";
  const auto recipe = synthetic::Recipe::parse(text);
  const auto truth = synthetic::build_vmcore(*recipe, directory.file("vmcore"));
  ASSERT_TRUE(truth.has_value()) << truth.error().message;
  const std::string vmcore = directory.file("vmcore");
  const std::string path = directory.file("region");

  // A program that was faster than its disturber says nothing: once more.
  unsigned strays = 0;
  for (unsigned seed = 1; strays == 0 && seed <= 20; ++seed) {
    make_region_file(path, 256 * kMiB);
    const int region = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
    ASSERT_GE(region, 0);
    const pid_t child = ::fork();
    if (child == 0) {
      ::close(STDERR_FILENO);
      ::execl(WARMDUMP_CAPTURE, WARMDUMP_CAPTURE, "--vmcore", vmcore.c_str(), "--region", path.c_str(),
              "--threads", GetParam(), static_cast<char*>(nullptr));
      ::_exit(127);
    }
    strays = damage_while_running(child, region, seed);
    ::kill(child, SIGCONT);
    int status = 0;
    ::waitpid(child, &status, 0);
    ::close(region);
  }
  ASSERT_GT(strays, 0U);

  FileDevice region;
  ASSERT_TRUE(region.open(path.c_str(), FileDevice::Access::read_only).has_value());
  const auto dump = DumpReader::open(region);
  ASSERT_TRUE(dump.has_value()) << dump.error().message;
  expect_whole(*dump, *truth);
  EXPECT_GT(dump->header()->frames_damaged, 0U);
  EXPECT_GT(dump->header()->frames_rewritten, 0U);
}

INSTANTIATE_TEST_SUITE_P(, StrayProcess, testing::Values("1", "2"),
                         [](const auto& parameter) { return std::string(parameter.param) + "_threads"; });

}  // namespace
}  // namespace warmdump
