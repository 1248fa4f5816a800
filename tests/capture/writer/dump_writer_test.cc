// Whatever write fails, and whatever a reset loses of what was not flushed: the frames that were flushed are
// there, in order, and the header does not claim more.

#include "capture/writer/dump_writer.h"

#include <gmock/gmock.h>

#include <cstring>
#include <memory>
#include <vector>

#include "common/dump_format/dump_header.h"
#include "common/dump_format/frame.h"
#include "tests/support/memory_device.h"

namespace warmdump {
namespace {

using namespace dump_format;

constexpr ByteCount kRegionSize = 48 * kMiB;
constexpr std::size_t kFrames = 50;  // enough for a header on the way
constexpr std::size_t kPayloadSize = 700'000;

// Does not compress, and differs from frame to frame.
std::vector<std::byte> payload_of(std::size_t number) {
  std::vector<std::byte> payload(kPayloadSize);
  std::uint64_t state = number + 1;
  for (std::byte& byte : payload) {
    state = state * 6364136223846793005U + 1442695040888963407U;
    byte = static_cast<std::byte>(state >> 56);
  }
  return payload;
}

Result<void> write_dump(Device& region) {
  RegionHeader header = make_header(0, kRegionSize);
  header.dump_id[0] = 7;
  const auto writer = std::make_unique<DumpWriter>(region);
  TRY(writer->begin(header));
  for (std::size_t number = 0; number < kFrames; ++number) {
    TRY(writer->append({.type = FrameType::blob}, payload_of(number)));
  }
  return writer->flush();
}

// Valid frames from the start on; each must be the one that was written there.
std::size_t count_frames(const test::MemoryDevice& region, std::span<const unsigned char, 8> dump_id) {
  std::size_t count = 0;
  for (ByteCount offset = kFramesOffset; offset + sizeof(FrameHeader) <= region.size();) {
    const auto bytes = std::span(region.bytes).subspan(offset);
    const auto frame = decode_frame_header(bytes.first<sizeof(FrameHeader)>(), dump_id);
    if (!frame.has_value()) break;
    const auto payload = bytes.subspan(sizeof(FrameHeader), frame->stored_size);
    if (!check_payload(*frame, payload).has_value()) break;
    EXPECT_EQ(frame->sequence, count);
    EXPECT_TRUE(std::ranges::equal(payload, payload_of(count)));
    ++count;
    offset += frame_footprint(frame->stored_size);
  }
  return count;
}

TEST(DumpWriter, WritesAllFrames) {
  test::MemoryDevice region(kRegionSize);
  ASSERT_TRUE(write_dump(region).has_value());
  region.lose_unpersisted();
  std::array<std::byte, kHeaderSize> buffer;
  const auto header = read_header(region, buffer);
  ASSERT_TRUE(header.has_value());
  EXPECT_EQ(header->frame_count, kFrames);
  EXPECT_EQ(count_frames(region, std::span(header->dump_id).first<8>()), kFrames);
}

TEST(DumpWriter, KeepsWhatWasFlushedWhereverItDies) {
  bool failed = true;
  for (unsigned write = 1; failed; write += write < 12 ? 1 : 9) {
    test::MemoryDevice region(kRegionSize);
    region.fail_write(write);
    failed = !write_dump(region).has_value();
    region.lose_unpersisted();
    std::array<std::byte, kHeaderSize> buffer;
    const auto header = read_header(region, buffer);
    if (!header.has_value()) {
      EXPECT_LE(write, 2U) << "only before the first header copy is flushed may there be none";
      continue;
    }
    EXPECT_GE(count_frames(region, std::span(header->dump_id).first<8>()), header->frame_count)
        << "write " << write;
    EXPECT_GE(kFramesOffset + header->bytes_stored, header->frames_end);
  }
}

TEST(DumpWriter, ZeroesTheInfoBlockBeforeAnythingElse) {
  test::MemoryDevice region(kRegionSize);
  std::memset(region.bytes.data() + kInfoBlockOffset, 0x5a, 4096);
  ASSERT_TRUE(write_dump(region).has_value());
  EXPECT_TRUE(std::all_of(region.bytes.begin(), region.bytes.begin() + kHeaderOffset,
                          [](std::byte byte) { return byte == std::byte{0}; }));
}

TEST(DumpWriter, LeavesTheTailAlone) {
  test::MemoryDevice region(8 * kMiB);
  RegionHeader header = make_header(0, region.size());
  const auto writer = std::make_unique<DumpWriter>(region);
  ASSERT_TRUE(writer->begin(header).has_value());
  bool fits = true;
  for (std::size_t number = 0; fits; ++number) {
    const auto appended = writer->append({.type = FrameType::blob}, payload_of(number));
    ASSERT_TRUE(appended.has_value());
    fits = *appended;
  }
  EXPECT_TRUE(writer->is_full());
  EXPECT_TRUE(*writer->append({.type = FrameType::end}, std::vector<std::byte>(700)))
      << "room for the end frame is kept";
  ASSERT_TRUE(writer->flush().has_value());
  EXPECT_TRUE(std::all_of(region.bytes.end() - kTailReserve, region.bytes.end(),
                          [](std::byte byte) { return byte == std::byte{0}; }));
}

}  // namespace
}  // namespace warmdump
