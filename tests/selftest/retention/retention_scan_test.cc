// What became of memory, page by page: each kind of damage, alone and beside others, at the borders of units.

#include "selftest/retention/retention_scan.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <cstring>

#include "common/dump_format/dump_format.h"
#include "selftest/retention/retention_pattern.h"
#include "tests/support/memory_device.h"

namespace warmdump {
namespace {

constexpr ByteCount kRegionSize = 16 * kMiB;
constexpr ByteCount kPatternEnd = 15 * kMiB;
constexpr std::uint64_t kSeed = 0x1234'5678'9abc'def0;
constexpr PageCount kPatternPages = (kPatternEnd - 8 * kKiB) / kPageSize - 2;

class RetentionScanTest : public testing::Test {
 protected:
  void SetUp() override {
    const auto written = write_retention_pattern(device_, kSeed, {});
    ASSERT_TRUE(written) << written.error().message;
  }

  RetentionFindings scan(std::uint64_t seed = kSeed) {
    const auto findings = scan_retention_pattern(device_, seed, {});
    EXPECT_TRUE(findings);
    EXPECT_EQ(findings->total(), kPatternPages);
    return *findings;
  }

  void fill(ByteCount start, ByteCount size, int value) {
    std::memset(device_.bytes.data() + start, value, size);
  }
  void flip_bit(ByteCount offset) { device_.bytes[offset] ^= std::byte{0x10}; }

  test::MemoryDevice device_{kRegionSize};
};

TEST_F(RetentionScanTest, NothingChangedIsRetained) {
  const RetentionFindings findings = scan();
  EXPECT_EQ(findings.verdict(), RetentionVerdict::retained);
  EXPECT_EQ(findings.count(PageFate::intact), kPatternPages);
  EXPECT_EQ(findings.damage_end, 0U);
  EXPECT_TRUE(findings.ranges.empty());
}

TEST_F(RetentionScanTest, LeavesHeadersInfoBlockAndEndAlone) {
  const auto is_zero = [&](ByteCount start, ByteCount size) {
    const auto bytes = std::span(device_.bytes).subspan(start, size);
    return std::ranges::all_of(bytes, [](std::byte byte) { return byte == std::byte{0}; });
  };
  EXPECT_TRUE(is_zero(0, 12 * kKiB));
  EXPECT_FALSE(is_zero(12 * kKiB, kPageSize));
  EXPECT_FALSE(is_zero(kMiB - kPageSize, kPageSize));
  EXPECT_TRUE(is_zero(dump_format::kHeaderCopyOffset, dump_format::kHeaderSize));
  EXPECT_FALSE(is_zero(kMiB + kPageSize, kPageSize));
  EXPECT_FALSE(is_zero(kPatternEnd - kPageSize, kPageSize));
  EXPECT_TRUE(is_zero(kPatternEnd, kMiB));
}

TEST_F(RetentionScanTest, OneBitIsFoundWhereverItIs) {
  for (const ByteCount offset : {ByteCount{12 * kKiB}, kMiB - 1, kMiB + kPageSize, 2 * kMiB - 1, 2 * kMiB,
                                 ByteCount{7 * kMiB + 12345}, kPatternEnd - 1}) {
    flip_bit(offset);
    const RetentionFindings findings = scan();
    EXPECT_EQ(findings.verdict(), RetentionVerdict::partly);
    EXPECT_EQ(findings.count(PageFate::bit_errors), 1U);
    EXPECT_EQ(findings.bit_errors, 1U);
    EXPECT_EQ(findings.first_damage, round_down(offset, kPageSize));
    EXPECT_EQ(findings.damage_end, round_down(offset, kPageSize) + kPageSize);
    ASSERT_EQ(findings.ranges.size(), 1U);
    EXPECT_EQ(findings.ranges[0].start, round_down(offset, kRetentionUnit));
    EXPECT_EQ(findings.ranges[0].end, round_down(offset, kRetentionUnit) + kRetentionUnit);
    flip_bit(offset);
  }
}

TEST_F(RetentionScanTest, ChangesOutsideOfThePatternAreNone) {
  fill(0, 12 * kKiB, 0x55);
  fill(kMiB, kPageSize, 0x55);
  fill(kPatternEnd, kMiB, 0x55);
  EXPECT_EQ(scan().verdict(), RetentionVerdict::retained);
}

TEST_F(RetentionScanTest, ClearedPagesAreTold) {
  for (const int value : {0x00, 0xff, 0xa5}) {
    fill(4 * kMiB, 4 * kMiB, value);
    const RetentionFindings findings = scan();
    EXPECT_EQ(findings.count(PageFate::cleared), 1024U);
    EXPECT_EQ(findings.verdict(), RetentionVerdict::partly);
    ASSERT_EQ(findings.ranges.size(), 1U) << "neighbours are one range";
    EXPECT_EQ(findings.ranges[0].start, 4 * kMiB);
    EXPECT_EQ(findings.ranges[0].end, 8 * kMiB);
    EXPECT_EQ(findings.ranges[0].fate, PageFate::cleared);
    EXPECT_EQ(findings.ranges[0].pages, 1024U);
  }
}

TEST_F(RetentionScanTest, TheWorstPageNamesTheUnit) {
  flip_bit(6 * kMiB);
  fill(6 * kMiB + kPageSize, kPageSize, 0);
  make_retention_pattern(kSeed + 1, 8 * kMiB, std::span(device_.bytes).subspan(8 * kMiB, kPageSize));
  fill(8 * kMiB + kPageSize, kPageSize, 0);
  const RetentionFindings findings = scan();
  ASSERT_EQ(findings.ranges.size(), 2U);
  EXPECT_EQ(findings.ranges[0].fate, PageFate::cleared);
  EXPECT_EQ(findings.ranges[0].bit_errors, 1U);
  EXPECT_EQ(findings.ranges[1].fate, PageFate::foreign);
  EXPECT_EQ(findings.ranges[1].pages, 2U);
}

TEST_F(RetentionScanTest, AnOlderPatternIsForeign) {
  const RetentionFindings findings = scan(kSeed + 1);
  EXPECT_EQ(findings.verdict(), RetentionVerdict::lost);
  EXPECT_EQ(findings.count(PageFate::foreign), kPatternPages);
}

TEST_F(RetentionScanTest, APatternThatMovedIsForeign) {
  std::memmove(device_.bytes.data() + 4 * kMiB + kPageSize, device_.bytes.data() + 4 * kMiB, kPageSize);
  EXPECT_EQ(scan().count(PageFate::foreign), 1U);
}

TEST_F(RetentionScanTest, ManyBitErrorsAreStillThePattern) {
  for (ByteCount at = 0; at < kPageSize; ++at) flip_bit(4 * kMiB + at);  // an eighth of all bits
  RetentionFindings findings = scan();
  EXPECT_EQ(findings.count(PageFate::bit_errors), 1U);
  EXPECT_EQ(findings.bit_errors, kPageSize);
  device_.bytes[4 * kMiB] ^= std::byte{0x01};
  findings = scan();
  EXPECT_EQ(findings.count(PageFate::foreign), 1U);
  EXPECT_EQ(findings.bit_errors, 0U);
}

TEST_F(RetentionScanTest, EverythingClearedIsLost) {
  fill(0, kRegionSize, 0);
  const RetentionFindings findings = scan();
  EXPECT_EQ(findings.verdict(), RetentionVerdict::lost);
  EXPECT_EQ(findings.first_damage, 12 * kKiB);
  EXPECT_EQ(findings.damage_end, kPatternEnd);
  ASSERT_EQ(findings.ranges.size(), 1U);
  EXPECT_EQ(findings.ranges[0].start, 0U);
  EXPECT_EQ(findings.ranges[0].end, 16 * kMiB);
}

TEST_F(RetentionScanTest, MemoryThatCannotBeReadIsAFinding) {
  device_.broken_at = 6 * kMiB + 3 * kPageSize;
  const RetentionFindings findings = scan();
  EXPECT_EQ(findings.count(PageFate::unreadable), 1U);
  EXPECT_EQ(findings.count(PageFate::intact), kPatternPages - 1);
  ASSERT_EQ(findings.ranges.size(), 1U);
  EXPECT_EQ(findings.ranges[0].start, 6 * kMiB);
}

TEST(RetentionScan, KeepsTheListOfRangesBounded) {
  test::MemoryDevice device(2 * kMiB * (2 * kRetentionRangesMax + 20));
  ASSERT_TRUE(write_retention_pattern(device, kSeed, {}));
  for (ByteCount at = kMiB / 2; at < device.size() - kMiB; at += 2 * kRetentionUnit) {
    device.bytes[at] ^= std::byte{1};
  }
  const auto findings = scan_retention_pattern(device, kSeed, {});
  ASSERT_TRUE(findings);
  EXPECT_EQ(findings->ranges.size(), kRetentionRangesMax);
  EXPECT_EQ(findings->ranges_left_out, 10U);
  EXPECT_EQ(findings->bit_errors, kRetentionRangesMax + 10);
}

TEST(RetentionScan, RefusesWhatIsNoDumpRegion) {
  test::MemoryDevice device(2 * kMiB);
  EXPECT_EQ(write_retention_pattern(device, kSeed, {}).error().code, ErrorCode::no_space);
  EXPECT_EQ(scan_retention_pattern(device, kSeed, {}).error().code, ErrorCode::no_space);
}

}  // namespace
}  // namespace warmdump
