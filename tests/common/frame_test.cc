#include "common/dump_format/frame.h"

#include <gtest/gtest.h>

#include <cstring>
#include <vector>

namespace warmdump::dump_format {
namespace {

constexpr unsigned char kDumpId[8] = {1, 2, 3, 4, 5, 6, 7, 8};

class Frame : public testing::Test {
 protected:
  Result<FrameHeader> decode() const {
    std::array<std::byte, sizeof(FrameHeader)> bytes;
    std::memcpy(bytes.data(), &header_, sizeof(header_));
    return decode_frame_header(bytes, kDumpId);
  }

  std::vector<std::byte> payload_ = std::vector<std::byte>(100, std::byte{0x5a});
  FrameHeader header_ = make_frame_header(FrameType::pages, Codec::zstd, 17, kDumpId, payload_, 4096);
};

TEST_F(Frame, IsReadAsItWasWritten) {
  const auto header = decode();
  ASSERT_TRUE(header.has_value());
  EXPECT_EQ(header->type, static_cast<std::uint16_t>(FrameType::pages));
  EXPECT_EQ(header->codec, static_cast<std::uint16_t>(Codec::zstd));
  EXPECT_EQ(header->sequence, 17U);
  EXPECT_EQ(header->stored_size, 100U);
  EXPECT_EQ(header->raw_size, 4096U);
  EXPECT_TRUE(check_payload(*header, payload_).has_value());
}

TEST_F(Frame, EveryFlippedBitOfTheHeaderIsFound) {
  for (std::size_t bit = 0; bit < sizeof(FrameHeader) * 8; ++bit) {
    auto* bytes = reinterpret_cast<unsigned char*>(&header_);
    bytes[bit / 8] = static_cast<unsigned char>(bytes[bit / 8] ^ (1U << bit % 8));
    const auto header = decode();
    ASSERT_FALSE(header.has_value()) << "bit " << bit;
    EXPECT_EQ(header.error().code, ErrorCode::not_found);
    bytes[bit / 8] = static_cast<unsigned char>(bytes[bit / 8] ^ (1U << bit % 8));
  }
}

TEST_F(Frame, OfAnotherDumpIsNotFound) {
  const unsigned char other[8] = {1, 2, 3, 4, 5, 6, 7, 9};
  header_ = make_frame_header(FrameType::end, Codec::stored, 0, other, payload_, 100);
  EXPECT_EQ(decode().error().code, ErrorCode::not_found);
}

TEST_F(Frame, BeyondTheLimitsIsCorrupt) {
  header_ = make_frame_header(FrameType::pages, Codec::zstd, 0, kDumpId, payload_, kFrameRawSizeMax + 1);
  EXPECT_EQ(decode().error().code, ErrorCode::corrupt);
  const std::vector<std::byte> large(kFrameStoredSizeMax + 1);
  header_ = make_frame_header(FrameType::pages, Codec::zstd, 0, kDumpId, large, 100);
  EXPECT_EQ(decode().error().code, ErrorCode::corrupt);
  header_ = make_frame_header(FrameType::pages, Codec::zstd, 0, kDumpId,
                              std::span(large).first(kFrameStoredSizeMax), kFrameRawSizeMax);
  EXPECT_TRUE(decode().has_value());
}

TEST_F(Frame, DamagedPayloadIsCorrupt) {
  payload_[99] ^= std::byte{1};
  EXPECT_EQ(check_payload(header_, payload_).error().code, ErrorCode::corrupt);
  payload_[99] ^= std::byte{1};
  EXPECT_EQ(check_payload(header_, std::span(payload_).first(99)).error().code, ErrorCode::corrupt);
}

TEST_F(Frame, FootprintIsPaddedToTheAlignment) {
  EXPECT_EQ(frame_footprint(0), 64U);
  EXPECT_EQ(frame_footprint(1), 128U);
  EXPECT_EQ(frame_footprint(64), 128U);
  EXPECT_EQ(frame_footprint(65), 192U);
}

}  // namespace
}  // namespace warmdump::dump_format
