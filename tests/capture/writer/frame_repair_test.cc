// Somebody writes into the region while the capture does: over frames, both headers, the info block, at any
// moment, also while damage is being repaired. The finished dump is whole, and the damage is told.

#include "capture/writer/frame_repair.h"

#include <gmock/gmock.h>

#include <functional>
#include <random>

#include "capture/capture_pipeline.h"
#include "common/dump_format/dump_header.h"
#include "recover/dump/page_walk.h"
#include "tests/capture/dump_checks.h"
#include "tests/support/memory_device.h"
#include "tests/support/recipe_files.h"
#include "tests/support/temporary_directory.h"

namespace warmdump {
namespace {

using namespace dump_format;

struct Moment {
  Phase phase;            // as the header on the region says
  std::uint64_t writes;   // so far
  ByteCount written_end;  // behind the last byte of frames written
};

// A region into which a device writes by itself: after each write of the capture, `stray` may damage it.
class StrayDevice final : public Device {
 public:
  explicit StrayDevice(ByteCount size) : bytes(size) {}

  ByteCount size() const override { return bytes.size(); }
  Result<void> read_at(ByteCount offset, std::span<std::byte> target) const override {
    std::copy_n(bytes.begin() + static_cast<std::ptrdiff_t>(offset), target.size(), target.begin());
    return {};
  }
  Result<void> write_at(ByteCount offset, std::span<const std::byte> source) override {
    std::copy(source.begin(), source.end(), bytes.begin() + static_cast<std::ptrdiff_t>(offset));
    ++moment_.writes;
    if (offset >= kFramesOffset) moment_.written_end = std::max(moment_.written_end, offset + source.size());
    if (offset == kHeaderOffset) {
      RegionHeader header;
      std::memcpy(&header, source.data(), sizeof(header));
      moment_.phase = static_cast<Phase>(std::uint32_t{header.phase});
    }
    if (stray) stray(*this, moment_);
    return {};
  }
  Result<void> persist() override { return {}; }

  // Damages up to `size` bytes at `offset`.
  void damage(ByteCount offset, ByteCount size) {
    for (ByteCount at = offset; at < std::min<ByteCount>(offset + size, bytes.size()); ++at)
      bytes[at] ^= static_cast<std::byte>(1 + damages % 255);  // never undoes an earlier damage
    ++damages;
  }

  std::vector<std::byte> bytes;
  std::function<void(StrayDevice&, const Moment&)> stray;
  unsigned damages = 0;

 private:
  Moment moment_{Phase::none, 0, kFramesOffset};
};

class FrameRepair : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    directory_ = new test::TemporaryDirectory;
    const std::string text = test::recipe_text("linux_6_1") + "\ncontent 0x2000+0x800 random\n";
    const auto recipe = synthetic::Recipe::parse(text);
    auto truth = synthetic::build_vmcore(*recipe, directory_->file("vmcore"));
    ASSERT_TRUE(truth.has_value()) << truth.error().message;
    truth_ = new synthetic::VmcoreTruth(std::move(*truth));
  }
  static void TearDownTestSuite() {
    delete truth_;
    delete directory_;
  }

  Result<void> capture(StrayDevice& region) {
    FileDevice vmcore;
    TRY(vmcore.open(directory_->file("vmcore").c_str(), FileDevice::Access::read_only));
    RegionHeader header = make_header(0, region.size());
    header.dump_id[0] = 7;
    report_ = CaptureReport{};
    CaptureRequest request;
    request.info = "boot_id=1\n";
    return capture_vmcore(vmcore, region, header, request, report_);
  }

  // Damages something at random moments, `count` times in all.
  auto random_strays(unsigned seed, unsigned count, Phase from = Phase::none) {
    return [random = std::mt19937(seed), count, from](StrayDevice& region, const Moment& moment) mutable {
      const auto below = [&random](std::uint64_t end) { return random() % std::max<std::uint64_t>(end, 1); };
      const bool is_late = from == Phase::none || moment.phase == from || moment.phase == Phase::finished;
      if (region.damages >= count || !is_late || below(3) == 0) return;
      const ByteCount size = 1 + below(below(4) == 0 ? 20'000 : 64);
      switch (below(8)) {
        case 0:
          region.damage(kHeaderOffset + below(kHeaderSize), size);
          region.damage(kHeaderCopyOffset + below(kHeaderSize), size);
          break;
        case 1:
          region.damage(kInfoBlockOffset + below(4000), 64);
          break;
        case 2:
          region.damage(kFramesOffset, 8);  // the header of the first frame
          break;
        default:
          region.damage(kFramesOffset + below(moment.written_end - kFramesOffset), size);
      }
    };
  }

  static test::TemporaryDirectory* directory_;
  static synthetic::VmcoreTruth* truth_;
  CaptureReport report_;
};

test::TemporaryDirectory* FrameRepair::directory_ = nullptr;
synthetic::VmcoreTruth* FrameRepair::truth_ = nullptr;

bool is_zero(std::span<const std::byte> bytes) {
  return std::ranges::all_of(bytes, [](std::byte byte) { return byte == std::byte{0}; });
}

TEST_F(FrameRepair, FindsNothingWhereNothingIsDamaged) {
  StrayDevice region(64 * kMiB);
  ASSERT_TRUE(capture(region).has_value());
  const auto dump = DumpReader::open(region);
  ASSERT_TRUE(dump.has_value()) << dump.error().message;
  EXPECT_FALSE(dump->damage().any());
  expect_whole(*dump, *truth_);
  EXPECT_EQ(dump->header()->check_passes, 1U);
  EXPECT_EQ(dump->header()->frames_damaged, 0U);
}

TEST_F(FrameRepair, ADumpWrittenOverAtRandomEndsWhole) {
  for (unsigned seed = 1; seed <= 12; ++seed) {
    SCOPED_TRACE(seed);
    StrayDevice region(64 * kMiB);
    region.stray = random_strays(seed, 30);
    ASSERT_TRUE(capture(region).has_value());
    EXPECT_GE(region.damages, 20U);
    const auto dump = DumpReader::open(region);
    ASSERT_TRUE(dump.has_value()) << dump.error().message;
    expect_whole(*dump, *truth_);
    EXPECT_GT(dump->header()->frames_rewritten, 0U);
    EXPECT_GE(dump->header()->frames_damaged, dump->header()->frames_rewritten);
    EXPECT_TRUE(is_zero(std::span(region.bytes).subspan(kInfoBlockOffset, 4096)));
  }
}

TEST_F(FrameRepair, DamageDoneDuringTheRepairIsRepaired) {
  for (unsigned seed = 1; seed <= 6; ++seed) {
    SCOPED_TRACE(seed);
    StrayDevice region(64 * kMiB);
    // The first damage makes the pass that the rest then falls into.
    region.stray = [once = true, later = random_strays(seed, 12, Phase::read_back)](
                       StrayDevice& device, const Moment& moment) mutable {
      if (moment.phase == Phase::read_back && std::exchange(once, false))
        device.damage(kFramesOffset + 100'000, 900'000);
      later(device, moment);
    };
    ASSERT_TRUE(capture(region).has_value());
    const auto dump = DumpReader::open(region);
    ASSERT_TRUE(dump.has_value()) << dump.error().message;
    expect_whole(*dump, *truth_);
    EXPECT_GT(dump->header()->check_passes, 1U);
  }
}

TEST_F(FrameRepair, BothHeadersTheEndFrameAndTheInfoBlockAreWrittenAgain) {
  StrayDevice region(64 * kMiB);
  region.stray = [](StrayDevice& device, const Moment& moment) {
    if (moment.phase != Phase::finished || device.damages >= 12) return;
    device.damage(kHeaderOffset, 600);
    device.damage(kHeaderCopyOffset + 8, 600);
    device.damage(kInfoBlockOffset, 10);
    device.damage(moment.written_end - 4096, 64);
  };
  ASSERT_TRUE(capture(region).has_value());
  const auto dump = DumpReader::open(region);
  ASSERT_TRUE(dump.has_value()) << dump.error().message;
  EXPECT_FALSE(dump->damage().any());
  expect_whole(*dump, *truth_);
  EXPECT_GT(dump->header()->headers_rewritten, 0U);
  std::array<std::byte, kHeaderSize> buffer;
  for (const ByteCount offset : {kHeaderOffset, kHeaderCopyOffset}) {
    std::copy_n(region.bytes.begin() + static_cast<std::ptrdiff_t>(offset), kHeaderSize, buffer.begin());
    EXPECT_TRUE(decode_header(buffer).has_value()) << offset;
  }
}

TEST_F(FrameRepair, WithoutRoomAtTheEndFramesAreRewrittenWhereTheyAre) {
  StrayDevice quiet(8 * kMiB);
  ASSERT_TRUE(capture(quiet).has_value());
  const auto expected = DumpReader::open(quiet);
  ASSERT_TRUE(expected.has_value());
  const PageCount stored = expect_true_pages(*expected, *truth_);

  StrayDevice region(8 * kMiB);
  region.stray = [done = false](StrayDevice& device, const Moment& moment) mutable {
    if (moment.phase != Phase::read_back || std::exchange(done, true)) return;
    for (ByteCount offset = kFramesOffset; offset < moment.written_end; offset += 300'000)
      device.damage(offset, 9);
  };
  ASSERT_TRUE(capture(region).has_value());
  const auto dump = DumpReader::open(region);
  ASSERT_TRUE(dump.has_value()) << dump.error().message;
  EXPECT_EQ(dump->damage().scan.missing_frames, 0U);
  EXPECT_EQ(expect_true_pages(*dump, *truth_), stored);
  EXPECT_EQ(dump->header()->pages_lost, kept_pages(*truth_) - stored);
  EXPECT_GT(dump->header()->frames_rewritten, 3U);
}

TEST_F(FrameRepair, WhatNeverStopsIsGivenUpAndTold) {
  StrayDevice region(64 * kMiB);
  // The first frame is damaged and written elsewhere; then that place is damaged, without end.
  region.stray = [](StrayDevice& device, const Moment& moment) {
    if (moment.phase == Phase::read_back) device.damage(moment.written_end - 3 * 4096, 2 * 4096);
    if (moment.phase == Phase::read_back) device.damage(kFramesOffset + 64, 16);
  };
  ASSERT_TRUE(capture(region).has_value());
  const auto dump = DumpReader::open(region);
  ASSERT_TRUE(dump.has_value()) << dump.error().message;
  ASSERT_TRUE(dump->header().has_value());
  EXPECT_EQ(dump->header()->state, static_cast<std::uint32_t>(State::partial));
  EXPECT_GT(dump->header()->frames_unrepaired, 0U);
  EXPECT_LE(dump->header()->check_passes, 32U);
  ASSERT_TRUE(dump->end().has_value());
  EXPECT_EQ(dump->end()->completeness, static_cast<std::uint32_t>(Completeness::damaged));
  expect_true_pages(*dump, *truth_);
}

}  // namespace
}  // namespace warmdump
