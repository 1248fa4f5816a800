// Dumps with the seal of a boot, and what others can do to them.

#include <gmock/gmock.h>

#include <cstring>

#include "common/dump_format/frame.h"
#include "recover/dump/dump_reader.h"
#include "tests/support/dump_builder.h"

namespace warmdump::test {
namespace {

using dump_format::FrameHeader;
using dump_format::kFramesOffset;
using dump_format::kHeaderCopyOffset;
using dump_format::kHeaderOffset;
using dump_format::kHeaderSize;
using dump_format::RunContent;
using testing::HasSubstr;

SealSecret secret_of(const std::string& boot_id, unsigned char byte) {
  SealSecret secret{.boot_id = boot_id};
  secret.secret.fill(byte);
  return secret;
}

const SealSecret kSecret = secret_of("4a2e9d10-3c5f-4b7e-8a61-0d9c2f4e6b88", 0x5a);
const SealSecret kOlder = secret_of("11111111-3c5f-4b7e-8a61-0d9c2f4e6b88", 0x33);
constexpr Pfn kFirstPfn = 0x100, kPages = 64;

// Four frames of 16 pages each, in order, and the end.
MemoryDevice make_dump(const SealSecret* secret) {
  DumpBuilder builder;
  if (secret != nullptr) builder.seal_with(*secret);
  for (Pfn pfn = kFirstPfn; pfn < kFirstPfn + kPages; pfn += 16) {
    const test::Run run{pfn, 16, RunContent::data};
    builder.add_pages({&run, 1});
  }
  builder.add_end();
  return builder.build();
}

// Offsets of all whole frames.
std::vector<ByteCount> frame_offsets(const MemoryDevice& region) {
  std::vector<ByteCount> offsets;
  for (ByteCount offset = kFramesOffset; offset + sizeof(FrameHeader) < region.bytes.size();) {
    FrameHeader header;
    std::memcpy(&header, region.bytes.data() + offset, sizeof(header));
    if (header.magic != dump_format::kFrameMagic) break;
    offsets.push_back(offset);
    offset += dump_format::frame_footprint(header.stored_size);
  }
  return offsets;
}

PageCount pages_of(const DumpReader& dump) {
  PageCount pages = 0;
  for (const IndexedRun& run : dump.pages().runs()) pages += run.pfn_count;
  return pages;
}

void lose_headers(MemoryDevice& region) {
  for (const ByteCount offset : {kHeaderOffset, kHeaderCopyOffset})
    std::memset(region.bytes.data() + offset, 0, kHeaderSize);
}

TEST(SealedDump, IsReadWhole) {
  const MemoryDevice region = make_dump(&kSecret);
  const std::vector secrets = {kOlder, kSecret};
  const auto dump = DumpReader::open(region, secrets);
  ASSERT_TRUE(dump.has_value()) << dump.error().message;
  EXPECT_EQ(dump->authenticity(), Authenticity::sealed);
  EXPECT_EQ(pages_of(*dump), kPages);
  EXPECT_TRUE(dump->end().has_value());
  EXPECT_EQ(dump->damage().scan.foreign_frames, 0U);
}

TEST(SealedDump, IsToldFromOthers) {
  const std::vector secrets = {kOlder};
  EXPECT_EQ(DumpReader::open(make_dump(nullptr), secrets)->authenticity(), Authenticity::unsealed);
  EXPECT_EQ(DumpReader::open(make_dump(&kSecret), secrets)->authenticity(), Authenticity::unknown_boot);
  EXPECT_EQ(DumpReader::open(make_dump(&kSecret))->authenticity(), Authenticity::unchecked);
}

// All that a program without the secret can know: the format, and the boot id.
TEST(SealedDump, AForgedOneIsRefused) {
  const SealSecret guess = secret_of(kSecret.boot_id, 0x5b);
  const MemoryDevice region = make_dump(&guess);
  const auto dump = DumpReader::open(region, std::span(&kSecret, 1));
  ASSERT_FALSE(dump.has_value());
  EXPECT_EQ(dump.error().code, ErrorCode::refused);
  EXPECT_THAT(dump.error().message, HasSubstr(kSecret.boot_id));
}

TEST(SealedDump, FramesOfOthersAreLeftOut) {
  const SealSecret guess = secret_of(kSecret.boot_id, 0x5b);
  MemoryDevice region = make_dump(&kSecret);
  const MemoryDevice forged = make_dump(&guess);
  const std::vector offsets = frame_offsets(region);
  ASSERT_EQ(offsets.size(), 5U);
  ASSERT_EQ(frame_offsets(forged), offsets);
  std::memcpy(region.bytes.data() + offsets[1], forged.bytes.data() + offsets[1], offsets[2] - offsets[1]);
  const auto dump = DumpReader::open(region, std::span(&kSecret, 1));
  ASSERT_TRUE(dump.has_value());
  EXPECT_EQ(pages_of(*dump), kPages - 16);
  EXPECT_EQ(dump->pages().find(kFirstPfn + 16), nullptr);
  EXPECT_EQ(dump->damage().scan.foreign_frames, 1U);
  EXPECT_EQ(dump->damage().scan.missing_frames, 1U);
}

// A frame's number is sealed with it: in another place it still says which one it is.
TEST(SealedDump, AFrameTwiceIsNotAnother) {
  MemoryDevice region = make_dump(&kSecret);
  const std::vector offsets = frame_offsets(region);
  FrameHeader header;
  std::memcpy(&header, region.bytes.data() + offsets[1], sizeof(header));
  header.sequence = 3;
  std::memcpy(region.bytes.data() + offsets[1], &header, sizeof(header));
  const auto dump = DumpReader::open(region, std::span(&kSecret, 1));
  ASSERT_TRUE(dump.has_value());
  EXPECT_EQ(pages_of(*dump), kPages - 16);
}

TEST(SealedDump, ATruncatedOneSaysSo) {
  MemoryDevice region = make_dump(&kSecret);
  const std::vector offsets = frame_offsets(region);
  std::fill(region.bytes.begin() + static_cast<std::ptrdiff_t>(offsets[3]), region.bytes.end(), std::byte{0});
  const auto dump = DumpReader::open(region, std::span(&kSecret, 1));
  ASSERT_TRUE(dump.has_value());
  EXPECT_EQ(dump->authenticity(), Authenticity::sealed);
  EXPECT_FALSE(dump->end().has_value());
  EXPECT_EQ(dump->damage().scan.missing_frames, 2U);
}

TEST(SealedDump, IsFoundWithoutItsHeaders) {
  MemoryDevice region = make_dump(&kSecret);
  lose_headers(region);
  const std::vector secrets = {kOlder, kSecret};
  const auto dump = DumpReader::open(region, secrets);
  ASSERT_TRUE(dump.has_value());
  EXPECT_EQ(dump->authenticity(), Authenticity::sealed);
  EXPECT_EQ(pages_of(*dump), kPages);
}

TEST(SealedDump, AnUnsealedFrameInFrontDoesNotHideIt) {
  MemoryDevice region = make_dump(&kSecret);
  lose_headers(region);
  DumpBuilder other;
  other.header.dump_id[0] = 0xee;
  const test::Run run{0x500, 1, RunContent::zero};
  other.add_pages({&run, 1});
  const MemoryDevice fake = other.build();
  const std::vector offsets = frame_offsets(region);
  std::memcpy(region.bytes.data() + kFramesOffset, fake.bytes.data() + kFramesOffset, 256);
  const auto dump = DumpReader::open(region, std::span(&kSecret, 1));
  ASSERT_TRUE(dump.has_value());
  EXPECT_EQ(dump->authenticity(), Authenticity::sealed);
  EXPECT_EQ(pages_of(*dump), kPages - 16);
  EXPECT_EQ(dump->pages().find(0x500), nullptr);
}

TEST(SealedDump, FramesWithoutHeadersAndSealAreUnsealed) {
  MemoryDevice region = make_dump(nullptr);
  lose_headers(region);
  const auto dump = DumpReader::open(region, std::span(&kSecret, 1));
  ASSERT_TRUE(dump.has_value());
  EXPECT_EQ(dump->authenticity(), Authenticity::unsealed);
}

}  // namespace
}  // namespace warmdump::test
