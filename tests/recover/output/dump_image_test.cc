// Images of dumps: read like the region, holding nothing else of it.

#include "recover/output/dump_image.h"

#include <gmock/gmock.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstring>
#include <fstream>
#include <random>

#include "common/dump_format/frame.h"
#include "common/file_device.h"
#include "recover/dump/dump_reader.h"
#include "recover/report/dump_summary.h"
#include "recover/report/meta_json.h"
#include "tests/support/dump_builder.h"
#include "tests/support/temporary_directory.h"

namespace warmdump::test {
namespace {

using dump_format::FrameHeader;
using dump_format::kFramesOffset;
using dump_format::kHeaderCopyOffset;
using dump_format::kHeaderOffset;
using dump_format::kHeaderSize;
using dump_format::RunContent;

SealSecret make_secret() {
  SealSecret secret{.boot_id = "4a2e9d10-3c5f-4b7e-8a61-0d9c2f4e6b88", .secret = {}};
  secret.secret.fill(0x5a);
  return secret;
}
const SealSecret kSecret = make_secret();

DumpBuilder sealed_builder() {
  DumpBuilder builder;
  builder.seal_with(kSecret);
  for (Pfn pfn = 0x100; pfn < 0x140; pfn += 16) {
    const test::Run run{pfn, 16, RunContent::data};
    builder.add_pages({&run, 1});
  }
  return builder;
}

// What processes had in the region before the crash: everywhere but in headers and frames.
void fill_gaps_with_noise(MemoryDevice& region) {
  std::mt19937 random(7);
  for (ByteCount i = 0; i < region.bytes.size(); ++i) {
    const bool is_header = (i >= kHeaderOffset && i < kHeaderOffset + kHeaderSize) ||
                           (i >= kHeaderCopyOffset && i < kHeaderCopyOffset + kHeaderSize);
    const bool may_be_frame = i >= kFramesOffset && i < region.bytes.size() / 2;
    if (!is_header && !may_be_frame) region.bytes[i] = static_cast<std::byte>(random() | 1U);
  }
}

MemoryDevice bytes_of(const DumpImage& image) {
  std::vector<std::byte> bytes(image.size());
  EXPECT_TRUE(image.read_at(0, bytes));
  return MemoryDevice(std::move(bytes));
}

std::string summary_of(const Device& region, std::span<const SealSecret> secrets) {
  const auto dump = DumpReader::open(region, secrets);
  EXPECT_TRUE(dump) << dump.error().message;
  if (!dump) return "";
  const auto contents = summarize(*dump);
  return contents ? to_json(contents->summary) : "";
}

void lose_headers(MemoryDevice& region) {
  for (const ByteCount offset : {kHeaderOffset, kHeaderCopyOffset})
    std::memset(region.bytes.data() + offset, 0, kHeaderSize);
}

TEST(DumpImageTest, is_read_like_its_region) {
  SmallMachine machine = make_small_machine();
  MemoryDevice region = machine.builder.build();
  fill_gaps_with_noise(region);
  const auto image = DumpImage::open(region);
  ASSERT_TRUE(image) << image.error().message;
  EXPECT_EQ(summary_of(*image, {}), summary_of(region, {}));

  const auto dump = DumpReader::open(*image);
  ASSERT_TRUE(dump);
  PageReader pages(*dump);
  for (const auto& [pfn, expected] : machine.present) {
    Page page;
    const auto read = pages.read(pfn, page);
    ASSERT_TRUE(read && *read) << pfn;
    EXPECT_EQ(page, expected) << pfn;
  }
}

TEST(DumpImageTest, has_nothing_of_the_region_but_headers_and_frames) {
  MemoryDevice region = sealed_builder().build();
  const MemoryDevice clean = region;
  fill_gaps_with_noise(region);
  const auto image = DumpImage::open(region, {&kSecret, 1});
  ASSERT_TRUE(image);
  EXPECT_LT(image->size(), region.size());
  const MemoryDevice bytes = bytes_of(*image);
  // The clean region has zeros where the noise is.
  for (ByteCount i = sizeof(dump_format::ImageMark); i < bytes.size(); ++i) {
    ASSERT_EQ(bytes.bytes[i], clean.bytes[i]) << i;
  }
}

TEST(DumpImageTest, can_be_read_in_pieces_of_any_size) {
  const MemoryDevice region = sealed_builder().build();
  const auto image = DumpImage::open(region);
  ASSERT_TRUE(image);
  const MemoryDevice whole = bytes_of(*image);
  std::mt19937 random(3);
  for (unsigned round = 0; round < 2000; ++round) {
    const ByteCount offset = random() % image->size();
    std::vector<std::byte> piece(std::min<ByteCount>(random() % 9000, image->size() - offset));
    ASSERT_TRUE(image->read_at(offset, piece));
    ASSERT_TRUE(std::equal(piece.begin(), piece.end(), whole.bytes.data() + offset)) << offset;
  }
  std::byte behind;
  EXPECT_FALSE(image->read_at(image->size(), {&behind, 1}));
  EXPECT_FALSE(image->read_at(UINT64_MAX, {&behind, 1}));
}

TEST(DumpImageTest, of_an_image_is_the_same_image) {
  DumpBuilder builder = sealed_builder();
  builder.add_end();
  const MemoryDevice region = builder.build();
  const auto first = DumpImage::open(region, {&kSecret, 1});
  ASSERT_TRUE(first);
  const MemoryDevice bytes = bytes_of(*first);
  const auto second = DumpImage::open(bytes, {&kSecret, 1});
  ASSERT_TRUE(second);
  EXPECT_EQ(bytes_of(*second).bytes, bytes.bytes);
  EXPECT_FALSE(first->is_as_sealed());
  EXPECT_TRUE(second->is_as_sealed());
}

TEST(DumpImageTest, of_a_dump_without_headers_or_end_is_read_like_it) {
  for (const bool has_headers : {false, true}) {
    for (const std::span<const SealSecret> secrets :
         {std::span<const SealSecret>(), std::span(&kSecret, 1)}) {
      MemoryDevice region = sealed_builder().build(dump_format::State::writing);
      if (!has_headers) lose_headers(region);
      const auto image = DumpImage::open(region, secrets);
      ASSERT_TRUE(image) << image.error().message;
      const MemoryDevice bytes = bytes_of(*image);
      EXPECT_EQ(summary_of(bytes, secrets), summary_of(region, secrets));
      const auto again = DumpImage::open(bytes, secrets);
      ASSERT_TRUE(again);
      EXPECT_EQ(again->is_as_sealed(), !secrets.empty());
    }
  }
}

TEST(DumpImageTest, leaves_damaged_and_foreign_frames_out) {
  DumpBuilder builder = sealed_builder();
  builder.add_end();
  MemoryDevice region = builder.build();
  FrameHeader first;
  std::memcpy(&first, region.bytes.data() + kFramesOffset, sizeof(first));
  region.bytes[kFramesOffset + sizeof(first) + 5] ^= std::byte{1};
  const auto image = DumpImage::open(region, {&kSecret, 1});
  ASSERT_TRUE(image);
  EXPECT_EQ(image->scan().missing_frames, 1U);
  const MemoryDevice bytes = bytes_of(*image);
  const ByteCount second = kFramesOffset + dump_format::frame_footprint(first.stored_size);
  for (ByteCount i = kFramesOffset; i < second; ++i) ASSERT_EQ(bytes.bytes[i], std::byte{0}) << i;
  EXPECT_EQ(summary_of(bytes, {&kSecret, 1}), summary_of(region, {&kSecret, 1}));
  // What was damaged before the image was made is no change of the image.
  const auto again = DumpImage::open(bytes, {&kSecret, 1});
  ASSERT_TRUE(again);
  EXPECT_TRUE(again->is_as_sealed());
}

TEST(DumpImageTest, shows_every_changed_byte_and_every_cut) {
  DumpBuilder builder = sealed_builder();
  builder.add_end();
  const MemoryDevice region = builder.build();
  const auto image = DumpImage::open(region, {&kSecret, 1});
  ASSERT_TRUE(image);
  const MemoryDevice whole = bytes_of(*image);
  const auto is_sound = [](const MemoryDevice& device) {
    const auto opened = DumpImage::open(device, {&kSecret, 1});
    return opened && opened->is_as_sealed() && opened->dump().missing_bytes(device) == 0;
  };
  ASSERT_TRUE(is_sound(whole));
  std::vector<ByteCount> places = {0, 17, 40, 70, 127, kFramesOffset, kFramesOffset + 30};
  for (ByteCount offset = kFramesOffset; offset < image->mark().size; offset += 997) {
    if (whole.bytes[offset] != std::byte{0}) places.push_back(offset);
  }
  for (const ByteCount place : places) {
    MemoryDevice changed = whole;
    changed.bytes[place] ^= std::byte{0x10};
    EXPECT_FALSE(is_sound(changed)) << place;
  }
  for (const ByteCount cut : {ByteCount{1}, ByteCount{4096}}) {
    MemoryDevice shorter = whole;
    shorter.bytes.resize(shorter.bytes.size() - cut);
    EXPECT_FALSE(is_sound(shorter)) << cut;
  }
}

TEST(DumpImageTest, of_a_torn_dump_that_is_cut_says_so) {
  DumpBuilder builder(64 * kMiB);
  builder.codec = dump_format::Codec::stored;
  for (Pfn pfn = 0x100; pfn < 0x1100; pfn += 64) {
    const test::Run run{pfn, 64, RunContent::data};
    builder.add_pages({&run, 1});
  }
  const MemoryDevice region = builder.build(dump_format::State::writing);
  const auto image = DumpImage::open(region);
  ASSERT_TRUE(image);
  MemoryDevice bytes = bytes_of(*image);
  const auto whole = DumpReader::open(bytes);
  ASSERT_TRUE(whole);
  EXPECT_EQ(whole->damage().scan.truncated_bytes, 0U);
  bytes.bytes.resize(bytes.bytes.size() - kMiB);
  const auto cut = DumpReader::open(bytes);
  ASSERT_TRUE(cut);
  EXPECT_EQ(cut->damage().scan.truncated_bytes, kMiB);
}

TEST(DumpImageTest, as_a_file_has_the_same_bytes_and_holes) {
  DumpBuilder builder = sealed_builder();
  builder.add_end();
  const MemoryDevice region = builder.build();
  const auto image = DumpImage::open(region, {&kSecret, 1});
  ASSERT_TRUE(image);
  const TemporaryDirectory directory(TemporaryDirectory::Place::memory);
  const std::string path = directory.file("dump.warmdump");
  ByteCount last = 0;
  const auto written = write_dump_image(
      *image, path, [&](ByteCount done, ByteCount total) { last = done == total ? done : 0; });
  ASSERT_TRUE(written) << written.error().message;
  EXPECT_EQ(last, image->size());
  FileDevice file;
  ASSERT_TRUE(file.open(path.c_str(), FileDevice::Access::read_only).has_value());
  std::vector<std::byte> bytes(file.size());
  ASSERT_TRUE(file.read_at(0, bytes));
  EXPECT_EQ(bytes, bytes_of(*image).bytes);
  struct stat status {};
  ASSERT_EQ(::stat(path.c_str(), &status), 0);
  EXPECT_LT(static_cast<ByteCount>(status.st_blocks) * 512, image->size() / 2);
  EXPECT_EQ(status.st_mode & 0777, 0600U);
}

TEST(DumpImageTest, of_no_dump_is_an_error) {
  EXPECT_FALSE(DumpImage::open(MemoryDevice(4 * kMiB)).has_value());
  EXPECT_FALSE(DumpImage::open(MemoryDevice(1 * kMiB)).has_value());
}

}  // namespace
}  // namespace warmdump::test
