#include "common/dump_format/dump_header.h"

#include <gtest/gtest.h>

#include <cstring>
#include <functional>

#include "common/dump_format/dump_state.h"
#include "tests/support/memory_device.h"

namespace warmdump::dump_format {
namespace {

constexpr ByteCount kRegionSize = 8 * kMiB;

std::array<std::byte, kHeaderSize> bytes_of(RegionHeader header) {
  std::array<std::byte, kHeaderSize> bytes;
  std::memcpy(bytes.data(), &header, sizeof(header));
  return bytes;
}

RegionHeader sealed_header() {
  RegionHeader header = make_header(0x1'0fe0'0000, kRegionSize);
  close_header(header);
  return header;
}

TEST(DumpHeader, IsReadAsItWasWritten) {
  RegionHeader header = make_header(0x1'0fe0'0000, kRegionSize);
  header.state = static_cast<std::uint32_t>(State::partial);
  header.pages_lost = 0x1234'5678'9abc'def0;
  header.dump_level = 31;
  close_header(header);
  const auto decoded = decode_header(bytes_of(header));
  ASSERT_TRUE(decoded.has_value());
  EXPECT_EQ(decoded->region_start, 0x1'0fe0'0000U);
  EXPECT_EQ(decoded->state, static_cast<std::uint32_t>(State::partial));
  EXPECT_EQ(decoded->pages_lost, 0x1234'5678'9abc'def0U);
  EXPECT_EQ(decoded->dump_level, 31U);
}

struct BadHeader {
  const char* name;
  std::function<void(RegionHeader&)> damage;
  bool sealed_again;
  ErrorCode expected;
};

class BadHeaders : public testing::TestWithParam<BadHeader> {};

TEST_P(BadHeaders, AreRefused) {
  RegionHeader header = sealed_header();
  GetParam().damage(header);
  if (GetParam().sealed_again) close_header(header);
  const auto decoded = decode_header(bytes_of(header));
  ASSERT_FALSE(decoded.has_value());
  EXPECT_EQ(decoded.error().code, GetParam().expected);
}

INSTANTIATE_TEST_SUITE_P(
    Cases, BadHeaders,
    testing::Values(
        BadHeader{"magic", [](RegionHeader& h) { h.magic[15] ^= 1; }, true, ErrorCode::not_found},
        BadHeader{"flipped_bit", [](RegionHeader& h) { h.reserved[sizeof(h.reserved) - 1] ^= 1; }, false,
                  ErrorCode::corrupt},
        BadHeader{"checksum", [](RegionHeader& h) { h.header_crc = h.header_crc ^ 1; }, false,
                  ErrorCode::corrupt},
        BadHeader{"version", [](RegionHeader& h) { h.format_version = 2; }, true, ErrorCode::unsupported},
        BadHeader{"size", [](RegionHeader& h) { h.header_size = 8192; }, true, ErrorCode::unsupported},
        BadHeader{"flag", [](RegionHeader& h) { h.incompatible_flags = 0x8000'0000; }, true,
                  ErrorCode::unsupported},
        BadHeader{"tiny_region", [](RegionHeader& h) { h.region_size = kRegionSizeMin - 1; }, true,
                  ErrorCode::corrupt},
        BadHeader{"frames_in_tail", [](RegionHeader& h) { h.frames_end = kRegionSize - kTailReserve + 1; },
                  true, ErrorCode::corrupt},
        BadHeader{"dump_level", [](RegionHeader& h) { h.dump_level = 32; }, true, ErrorCode::corrupt}),
    [](const auto& instance) { return instance.param.name; });

TEST(DumpHeader, UnknownCompatibleFlagsAreIgnored) {
  RegionHeader header = sealed_header();
  header.compatible_flags = 0xffff'ffff;
  close_header(header);
  EXPECT_TRUE(decode_header(bytes_of(header)).has_value());
}

class HeaderOnRegion : public testing::Test {
 protected:
  test::MemoryDevice region_{kRegionSize};
  std::array<std::byte, kHeaderSize> buffer_;
  RegionHeader header_ = make_header(0, kRegionSize);
};

TEST_F(HeaderOnRegion, NothingThereIsNotFound) {
  const auto header = read_header(region_, buffer_);
  ASSERT_FALSE(header.has_value());
  EXPECT_EQ(header.error().code, ErrorCode::not_found);
}

TEST_F(HeaderOnRegion, TooSmallARegionIsNamed) {
  const test::MemoryDevice small(kRegionSizeMin - 1);
  EXPECT_EQ(read_header(small, buffer_).error().code, ErrorCode::no_space);
}

TEST_F(HeaderOnRegion, TheNewerCopyCounts) {
  ASSERT_TRUE(write_header(region_, header_, buffer_).has_value());
  RegionHeader newer = header_;
  newer.sequence = newer.sequence + 1;
  newer.phase = static_cast<std::uint32_t>(Phase::notes);
  close_header(newer);
  ASSERT_TRUE(region_.write_at(kHeaderCopyOffset, bytes_of(newer)).has_value());
  EXPECT_EQ(read_header(region_, buffer_)->phase, static_cast<std::uint32_t>(Phase::notes));
}

TEST_F(HeaderOnRegion, OneDamagedCopyDoesNoHarm) {
  for (const ByteCount offset : {kHeaderOffset, kHeaderCopyOffset}) {
    ASSERT_TRUE(write_header(region_, header_, buffer_).has_value());
    region_.bytes[offset + 100] ^= std::byte{1};
    EXPECT_TRUE(read_header(region_, buffer_).has_value()) << offset;
  }
}

TEST_F(HeaderOnRegion, TwoDamagedCopiesAreCorruptNotMissing) {
  ASSERT_TRUE(write_header(region_, header_, buffer_).has_value());
  region_.bytes[kHeaderOffset] ^= std::byte{1};  // the magic: this copy is not ours any more
  region_.bytes[kHeaderCopyOffset + 100] ^= std::byte{1};
  const auto header = read_header(region_, buffer_);
  ASSERT_FALSE(header.has_value());
  EXPECT_EQ(header.error().code, ErrorCode::corrupt);
  EXPECT_EQ(header.error().where, kHeaderCopyOffset);
}

TEST_F(HeaderOnRegion, ARegionIsReadableAfterEveryTornWrite) {
  ASSERT_TRUE(write_header(region_, header_, buffer_).has_value());
  for (const unsigned failing : {1U, 2U}) {
    RegionHeader next = header_;
    next.pages_data = next.pages_data + 1;
    region_.fail_write(failing);
    EXPECT_FALSE(write_header(region_, next, buffer_).has_value());
    const auto found = read_header(region_, buffer_);
    ASSERT_TRUE(found.has_value()) << "write " << failing;
    EXPECT_EQ(found->pages_data, failing == 1 ? header_.pages_data : next.pages_data);
    ASSERT_TRUE(write_header(region_, header_, buffer_).has_value());
  }
}

TEST_F(HeaderOnRegion, EachCopyIsPersistedBeforeTheOtherIsTouched) {
  ASSERT_TRUE(write_header(region_, header_, buffer_).has_value());
  RegionHeader next = header_;
  region_.fail_write(2);
  EXPECT_FALSE(write_header(region_, next, buffer_).has_value());
  region_.lose_unpersisted();
  EXPECT_EQ(read_header(region_, buffer_)->sequence, next.sequence);
}

}  // namespace
}  // namespace warmdump::dump_format
