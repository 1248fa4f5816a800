#include "capture/writer/region_check.h"

#include <gmock/gmock.h>

#include "common/dump_format/dump_header.h"
#include "common/file_device.h"
#include "tests/support/capture_program.h"
#include "tests/support/temporary_directory.h"

namespace warmdump {
namespace {

using namespace dump_format;

constexpr ByteCount kRegionSize = 8 * kMiB;

class RegionCheck : public testing::Test {
 protected:
  void SetUp() override {
    make_region_file(path_, kRegionSize);
    ASSERT_TRUE(region_.open(path_.c_str(), FileDevice::Access::read_write).has_value());
  }

  void write(State state, PhysicalAddress start = 0, ByteCount size = kRegionSize) {
    RegionHeader header = make_header(start, size);
    header.state = static_cast<std::uint32_t>(state);
    header.dump_id[0] = 1;
    ASSERT_TRUE(write_header(region_, header, buffer_).has_value());
  }

  ErrorCode code(const RegionExpectation& expectation) {
    const auto checked = check_region(region_, expectation);
    return checked.has_value() ? ErrorCode::none : checked.error().code;
  }

  test::TemporaryDirectory directory_;
  std::string path_ = directory_.file("region");
  FileDevice region_;
  alignas(4096) std::array<std::byte, kHeaderSize> buffer_{};
};

TEST_F(RegionCheck, TakesABlankFileButNoBlankDevice) {
  EXPECT_EQ(code({.must_be_formatted = false}), ErrorCode::none);
  EXPECT_EQ(code({.must_be_formatted = true}), ErrorCode::refused);
}

TEST_F(RegionCheck, LeavesForeignContentAlone) {
  const std::array<std::byte, 5> foreign{std::byte{'d'}, std::byte{'a'}, std::byte{'t'}, std::byte{'a'}};
  for (const ByteCount offset : {ByteCount{0}, kHeaderOffset, kHeaderCopyOffset, kFramesOffset}) {
    make_region_file(path_, kRegionSize);
    ASSERT_TRUE(region_.write_at(offset, foreign).has_value());
    EXPECT_EQ(code({.must_be_formatted = false}), ErrorCode::refused) << offset;
  }
}

TEST_F(RegionCheck, TheFirstDumpWins) {
  for (const State state : {State::writing, State::complete, State::partial}) {
    write(state);
    EXPECT_EQ(code({}), ErrorCode::busy);
    const auto header = read_header(region_, buffer_);
    ASSERT_TRUE(header.has_value());
    EXPECT_EQ(header->state, static_cast<std::uint32_t>(state));
    EXPECT_EQ(header->captures_refused, 1U) << "the later crash is counted";
    EXPECT_EQ(code({.overwrite = true}), ErrorCode::none);
  }
}

TEST_F(RegionCheck, TakesARegionThatWasGivenFree) {
  for (const State state : {State::empty, State::cleared}) {
    write(state);
    const auto header = check_region(region_, {});
    ASSERT_TRUE(header.has_value());
    EXPECT_NE(header->dump_id[0] | header->dump_id[8], 0) << "a fresh id";
  }
}

TEST_F(RegionCheck, RefusesAMovedOrResizedRegion) {
  write(State::empty, 0x1000);
  EXPECT_EQ(code({.start = 0x2000}), ErrorCode::refused);
  write(State::empty, 0, kRegionSize - kMiB);
  EXPECT_EQ(code({}), ErrorCode::refused);
}

TEST_F(RegionCheck, RefusesARegionTooSmallForAHeader) {
  make_region_file(path_, kRegionSizeMin - 1);
  FileDevice small;
  ASSERT_TRUE(small.open(path_.c_str(), FileDevice::Access::read_write).has_value());
  const auto checked = check_region(small, {.must_be_formatted = false});
  ASSERT_FALSE(checked.has_value());
  EXPECT_EQ(checked.error().code, ErrorCode::no_space);
}

}  // namespace
}  // namespace warmdump
