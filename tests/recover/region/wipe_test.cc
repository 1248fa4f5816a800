#include "recover/region/wipe.h"

#include <gmock/gmock.h>

#include "common/dump_format/dump_state.h"
#include "recover/dump/aligned_reads.h"
#include "tests/recover/region_fixture.h"

namespace warmdump::test {
namespace {

using dump_format::State;
using testing::HasSubstr;

TEST(Wipe, ZeroesEverythingButTheHeaderCopies) {
  MemoryRegion region(kTestRegionSize + 100);  // and a tail that is no full block
  std::fill(region.bytes.begin(), region.bytes.end(), std::byte{0xff});
  plant_dump(region, State::complete);
  std::fill(region.bytes.end() - 100, region.bytes.end(), std::byte{0});

  ByteCount done = 0, total = 1;
  ASSERT_TRUE(wipe_region(region, [&](const char*, ByteCount d, ByteCount t) { done = d, total = t; }));
  EXPECT_EQ(region.leftovers(), 0U);
  EXPECT_EQ(state_of(region), State::complete);
  EXPECT_EQ(done, total);
}

// Memory with a bit that is always set.
class BrokenRegion final : public Device {
 public:
  static constexpr ByteCount kBrokenAt = 3 * kMiB + 77;
  MemoryRegion region;
  ByteCount size() const override { return region.size(); }
  Result<void> read_at(ByteCount offset, std::span<std::byte> target) const override {
    TRY(region.read_at(offset, target));
    if (kBrokenAt >= offset && kBrokenAt < offset + target.size()) target[kBrokenAt - offset] |= std::byte{4};
    return {};
  }
  Result<void> write_at(ByteCount offset, std::span<const std::byte> source) override {
    return region.write_at(offset, source);
  }
  Result<void> persist() override { return region.persist(); }
};

TEST(Wipe, MemoryThatDoesNotHoldItsBytesIsFound) {
  BrokenRegion region;
  const auto wiped = wipe_region(region, nullptr);
  ASSERT_FALSE(wiped);
  EXPECT_EQ(wiped.error().code, ErrorCode::corrupt);
  EXPECT_THAT(wiped.error().message, HasSubstr("0x30004d"));
}

TEST(Wipe, TooSmallARegionIsRefused) {
  MemoryRegion region(kTestRegionSize - 1);
  EXPECT_EQ(wipe_region(region, nullptr).error().code, ErrorCode::no_space);
  EXPECT_EQ(format_region(region, 0).error().code, ErrorCode::no_space);
}

TEST(Format, ClearsTheInfoBlockAndLeavesFrames) {
  MemoryRegion region;
  std::fill(region.bytes.begin() + 4096, region.bytes.begin() + 8192, std::byte{0x44});
  region.bytes[dump_format::kFramesOffset] = std::byte{9};
  ASSERT_TRUE(format_region(region, 0x11fe00000));
  EXPECT_EQ(region.leftovers(), 1U);
  const auto header = read_region_header(region);
  ASSERT_TRUE(header);
  EXPECT_EQ(state_of(region), State::empty);
  EXPECT_EQ(header->region_start, 0x11fe00000U);
  EXPECT_EQ(header->region_size, kTestRegionSize);
}

TEST(Format, SomebodyElsesDataIsRefused) {
  struct Case {
    const char* owner;
    ByteCount offset;
    std::string bytes;
  };
  const Case cases[] = {{"ext4", 0x438, "\x53\xef"}, {"XFS", 0, "XFSB"}, {"partition", 512, "EFI PART"}};
  for (const Case& one : cases) {
    MemoryRegion region;
    std::memcpy(region.bytes.data() + one.offset, one.bytes.data(), one.bytes.size());
    const std::vector<std::byte> before = region.bytes;
    const auto formatted = format_region(region, 0);
    ASSERT_FALSE(formatted) << one.owner;
    EXPECT_EQ(formatted.error().code, ErrorCode::refused);
    EXPECT_THAT(formatted.error().message, HasSubstr(one.owner));
    EXPECT_EQ(region.bytes, before) << one.owner;
  }
}

// Refuses whatever O_DIRECT would.
class DirectOnlyDevice final : public Device {
 public:
  MemoryRegion region;
  ByteCount size() const override { return region.size(); }
  Result<void> read_at(ByteCount offset, std::span<std::byte> target) const override {
    const auto address = reinterpret_cast<std::uintptr_t>(target.data());
    if (address % 4096 != 0 || offset % 4096 != 0 || target.size() % 4096 != 0) {
      return Error::make(ErrorCode::io, "not aligned");
    }
    return region.read_at(offset, target);
  }
  Result<void> write_at(ByteCount, std::span<const std::byte>) override { return {}; }
  Result<void> persist() override { return {}; }
};

TEST(AlignedReads, AnyRangeCanBeRead) {
  DirectOnlyDevice direct;
  for (std::size_t i = 0; i < direct.region.bytes.size(); ++i) {
    direct.region.bytes[i] = static_cast<std::byte>(i * 2654435761U >> 13);
  }
  const AlignedReads reads(direct);
  const std::pair<ByteCount, std::size_t> ranges[] = {{0, 1},
                                                      {1, 4096},
                                                      {4095, 2},
                                                      {4096, 4096},
                                                      {100, 1'000'000},
                                                      {262'143, 262'145},
                                                      {kTestRegionSize - 7, 7}};
  for (const auto& [offset, size] : ranges) {
    std::vector<std::byte> target(size);
    ASSERT_TRUE(reads.read_at(offset, target)) << offset;
    EXPECT_EQ(std::memcmp(target.data(), direct.region.bytes.data() + offset, size), 0) << offset;
  }
  std::vector<std::byte> target(8);
  EXPECT_FALSE(reads.read_at(kTestRegionSize - 7, target));
}

}  // namespace
}  // namespace warmdump::test
