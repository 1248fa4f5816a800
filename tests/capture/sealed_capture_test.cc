// A capture with the secret of its boot: header and every frame carry the seal, whatever was repaired.

#include <gmock/gmock.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>

#include "capture/capture_pipeline.h"
#include "capture/writer/region_check.h"
#include "common/dump_format/dump_header.h"
#include "recover/dump/dump_reader.h"
#include "selftest/machine/vmcore_builder.h"
#include "tests/support/capture_program.h"
#include "tests/support/covered_bytes.h"
#include "tests/support/recipe_files.h"
#include "tests/support/temporary_directory.h"

namespace warmdump {
namespace {

constexpr const char* kBoot = "4a2e9d10-3c5f-4b7e-8a61-0d9c2f4e6b88";
constexpr unsigned char kByte = 0x5a;

FileDevice vmcore_file;
FileDevice region_file;
CaptureReport report;

// A capture is made once in the life of a program: in a process of its own. 0: it succeeded.
int capture_sealed(const std::string& vmcore, const std::string& region) {
  const pid_t child = ::fork();
  if (child == 0) {
    if (!vmcore_file.open(vmcore.c_str(), FileDevice::Access::read_only).has_value()) ::_exit(2);
    if (!region_file.open(region.c_str(), FileDevice::Access::read_write).has_value()) ::_exit(3);
    region_file.skip_persist();
    const auto header =
        check_region(region_file, {.start = 0, .must_be_formatted = false, .overwrite = false});
    if (!header.has_value()) ::_exit(4);
    CaptureRequest request;
    std::fill(std::begin(request.secret.secret), std::end(request.secret.secret), kByte);
    request.secret.boot_id = kBoot;
    request.secret.is_set = true;
    ::_exit(capture_vmcore(vmcore_file, region_file, *header, request, report).has_value() ? 0 : 1);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

class SealedCapture : public testing::Test {
 protected:
  SealedCapture() { secret_.secret.fill(kByte); }

  test::TemporaryDirectory directory_{test::TemporaryDirectory::Place::memory};
  std::string vmcore_ = directory_.file("vmcore");
  std::string region_ = directory_.file("region");
  SealSecret secret_{.boot_id = kBoot, .secret = {}};
};

TEST_F(SealedCapture, EveryFrameHasItsSeal) {
  const auto recipe = synthetic::Recipe::parse(test::recipe_text("linux_6_1"));
  ASSERT_TRUE(recipe.has_value()) << recipe.error().message;
  const auto truth = synthetic::build_vmcore(*recipe, vmcore_);
  ASSERT_TRUE(truth.has_value()) << truth.error().message;
  make_region_file(region_, 64 * kMiB);
  ASSERT_EQ(capture_sealed(vmcore_, region_), 0);

  FileDevice region;
  ASSERT_TRUE(region.open(region_.c_str(), FileDevice::Access::read_only).has_value());
  const auto plain = DumpReader::open(region);
  const auto dump = DumpReader::open(region, std::span(&secret_, 1));
  ASSERT_TRUE(dump.has_value()) << dump.error().message;
  EXPECT_EQ(dump->authenticity(), Authenticity::sealed);
  EXPECT_EQ(dump->header()->state, static_cast<std::uint32_t>(dump_format::State::complete));
  EXPECT_TRUE(dump->end().has_value());
  EXPECT_GT(dump->damage().scan.frames, 5U);
  EXPECT_EQ(dump->damage().scan.frames, plain->damage().scan.frames);
  EXPECT_EQ(dump->damage().scan.foreign_frames, 0U);

  SealSecret other = secret_;
  other.secret[31] ^= 1;
  const auto refused = DumpReader::open(region, std::span(&other, 1));
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, ErrorCode::refused);
}

TEST_F(SealedCapture, AFailedStartIsSealedToo) {
  std::ofstream(vmcore_) << std::string(10000, 'x');
  make_region_file(region_, 8 * kMiB);
  ASSERT_EQ(capture_sealed(vmcore_, region_), 1);
  FileDevice region;
  ASSERT_TRUE(region.open(region_.c_str(), FileDevice::Access::read_only).has_value());
  alignas(4096) std::array<std::byte, dump_format::kHeaderSize> buffer;
  const auto header = dump_format::read_header(region, buffer);
  ASSERT_TRUE(header.has_value());
  EXPECT_TRUE(dump_format::is_record_without_frames(*header));
  const dump_format::DumpSeal seal(secret_.secret, kBoot, std::span(header->dump_id).first<8>());
  EXPECT_TRUE(seal.matches(*header));
}

}  // namespace
}  // namespace warmdump
