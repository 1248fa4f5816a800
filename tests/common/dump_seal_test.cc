#include "common/dump_format/dump_seal.h"

#include <gtest/gtest.h>

#include <array>
#include <cstring>

#include "common/dump_format/dump_header.h"
#include "common/dump_format/frame.h"

namespace warmdump::dump_format {
namespace {

constexpr const char* kBoot = "0b1f8a52-6a5e-4d0c-9d2a-6f3f2a1b7c11";
constexpr unsigned char kDumpId[8] = {1, 2, 3, 4, 5, 6, 7, 8};

std::array<unsigned char, kSecretSize> secret(unsigned char first = 1) {
  std::array<unsigned char, kSecretSize> bytes;
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<unsigned char>(first + i);
  return bytes;
}

class FrameSeal : public testing::Test {
 protected:
  std::array<std::byte, 300> payload_{};
  DumpSeal seal_{secret(), kBoot, kDumpId};
  FrameHeader header_ = make_frame_header(FrameType::pages, Codec::zstd, 7, kDumpId, payload_, 4096, seal_);
};

TEST_F(FrameSeal, FitsWhatItWasMadeFor) {
  EXPECT_TRUE(seal_.matches(header_, payload_));
  EXPECT_TRUE(DumpSeal(secret(), kBoot, kDumpId).matches(header_, payload_));
}

// By an implementation of BLAKE2b that is not ours nor libsodium's (Python's hashlib):
//   key = blake2b(b"warmdump dump 1\0" + bytes(range(1, 9)) + boot.ljust(40, b"\0"), key=bytes(range(1, 33)),
//                 digest_size=32)
//   blake2b(bytes(64) + b"abc", key=key, digest_size=16)
TEST_F(FrameSeal, IsWhatTheFormatSays) {
  FrameHeader header{};
  const std::array payload = {std::byte{'a'}, std::byte{'b'}, std::byte{'c'}};
  seal_.seal(header, payload);
  constexpr unsigned char kExpected[16] = {0x9f, 0xb1, 0x7c, 0x18, 0x39, 0xa5, 0xca, 0xf8,
                                           0x74, 0x2e, 0xfa, 0x56, 0x2d, 0x7b, 0xf7, 0xa5};
  EXPECT_EQ(std::memcmp(header.tag, kExpected, sizeof(kExpected)), 0);
}

TEST_F(FrameSeal, FitsNothingElse) {
  unsigned char other_id[8] = {1, 2, 3, 4, 5, 6, 7, 9};
  EXPECT_FALSE(DumpSeal(secret(2), kBoot, kDumpId).matches(header_, payload_)) << "another secret";
  EXPECT_FALSE(DumpSeal(secret(), "another boot", kDumpId).matches(header_, payload_));
  EXPECT_FALSE(DumpSeal(secret(), kBoot, other_id).matches(header_, payload_)) << "another dump";
  EXPECT_FALSE(DumpSeal().matches(header_, payload_)) << "no secret";
}

TEST_F(FrameSeal, EveryBitOfHeaderAndPayloadCounts) {
  for (std::size_t bit = 0; bit < 8 * offsetof(FrameHeader, header_crc); ++bit) {
    FrameHeader changed = header_;
    reinterpret_cast<unsigned char*>(&changed)[bit / 8] ^= static_cast<unsigned char>(1U << bit % 8);
    EXPECT_FALSE(seal_.matches(changed, payload_)) << "bit " << bit;
  }
  for (std::size_t i = 0; i < payload_.size(); ++i) {
    auto changed = payload_;
    changed[i] ^= std::byte{0x10};
    EXPECT_FALSE(seal_.matches(header_, changed)) << "byte " << i;
  }
  EXPECT_FALSE(seal_.matches(header_, std::span(payload_).first(299)));
}

TEST(HeaderSeal, LeavesOutOnlyWhatOthersMayChange) {
  const DumpSeal seal(secret(), kBoot, kDumpId);
  RegionHeader header = make_header(0x10fe00000, 16 * kMiB);
  EXPECT_EQ(sealed_boot_id(header), "");
  seal.seal(header);
  EXPECT_EQ(sealed_boot_id(header), kBoot);
  ASSERT_TRUE(seal.matches(header));

  RegionHeader changed = header;
  changed.sequence = 99;
  changed.state = static_cast<std::uint32_t>(State::recovered);
  changed.captures_refused = 3;
  close_header(changed);
  EXPECT_TRUE(seal.matches(changed));

  for (std::size_t at = 0; at < offsetof(RegionHeader, header_crc); at += 4) {
    if (at == offsetof(RegionHeader, sequence) || at == offsetof(RegionHeader, sequence) + 4 ||
        at == offsetof(RegionHeader, state) || at == offsetof(RegionHeader, captures_refused)) {
      continue;
    }
    changed = header;
    reinterpret_cast<unsigned char*>(&changed)[at] ^= 1;
    EXPECT_FALSE(seal.matches(changed)) << "offset " << at;
  }
}

TEST(HeaderSeal, ABootIdThatIsTooLongIsCut) {
  RegionHeader header = make_header(0, 16 * kMiB);
  DumpSeal(secret(), std::string(60, 'x'), kDumpId).seal(header);
  EXPECT_EQ(sealed_boot_id(header), std::string(kBootIdSizeMax, 'x'));
}

}  // namespace
}  // namespace warmdump::dump_format
