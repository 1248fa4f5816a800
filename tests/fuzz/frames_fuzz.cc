// Frames with good checksums and any content, on a region whose header may be lost.
//
//   input: flags (1: both region headers are lost); then records of type, packing, size claimed beyond the
//   real one (le16), payload (a piece: le16 length, bytes)

#include <zstd.h>

#include <algorithm>
#include <cstring>

#include "common/dump_format/dump_header.h"
#include "common/dump_format/frame.h"
#include "recover/dump/line_decoder.h"
#include "tests/fuzz/input_reader.h"
#include "tests/fuzz/sparse_region.h"
#include "tests/fuzz/use_dump.h"
#include "tests/support/dump_builder.h"

namespace warmdump::fuzz {
namespace {

using dump_format::Codec;
using dump_format::FrameType;

constexpr ByteCount kRegionSize = dump_format::kRegionSizeMin;
constexpr unsigned char kDumpId[16] = {0x66, 0x75, 0x7a, 0x7a, 1, 2, 3, 4};
constexpr std::size_t kFramesMax = 64;

// How a payload of the input becomes that of a frame.
enum class Packing : std::uint8_t {
  as_it_is,       // codec stored
  zstd,           // compressed here
  zstd_claimed,   // any bytes, said to be zstd
  lines,          // its first bytes are a LinesPrefix; noise stays, the content is compressed here
  lines_claimed,  // any bytes, said to be lines
  damaged,        // as_it_is, with a wrong checksum
  skipped,        // as_it_is, and the number of the frame before it is missing
  repeated,       // as_it_is, with the number of the frame before it
  count,
};

std::vector<std::byte> compressed(Input raw) {
  std::vector<std::byte> stored(ZSTD_compressBound(raw.size()));
  stored.resize(ZSTD_compress(stored.data(), stored.size(), raw.data(), raw.size(), 1));
  return stored;
}

std::vector<std::byte> packed_lines(Input payload) {
  dump_format::LinesPrefix prefix{};
  const std::size_t prefix_size = std::min(sizeof(prefix), payload.size());
  if (prefix_size != 0) std::memcpy(&prefix, payload.data(), prefix_size);
  const Input rest = payload.subspan(prefix_size);
  const std::size_t noise = std::min<std::size_t>(prefix.noise_count * dump_format::kLineSize, rest.size());
  InputWriter writer;
  writer.number(prefix).append(rest.first(noise)).append(compressed(rest.subspan(noise)));
  return writer.bytes();
}

class FrameWriter {
 public:
  explicit FrameWriter(SparseRegion& region) : region_(region) {}

  void add(FrameType type, Packing packing, Input payload, std::uint32_t claimed) {
    Codec codec = Codec::stored;
    std::vector<std::byte> stored(payload.begin(), payload.end());
    if (packing == Packing::zstd) stored = compressed(payload);
    if (packing == Packing::lines) stored = packed_lines(payload);
    if (packing == Packing::zstd || packing == Packing::zstd_claimed) codec = Codec::zstd;
    if (packing == Packing::lines || packing == Packing::lines_claimed) codec = Codec::lines;
    if (packing == Packing::skipped) ++sequence_;
    if (packing == Packing::repeated && sequence_ > 0) --sequence_;
    const auto header =
        dump_format::make_frame_header(type, codec, sequence_++, std::span(kDumpId).first<8>(), stored,
                                       static_cast<std::uint32_t>(payload.size()) + claimed);
    if (packing == Packing::damaged && !stored.empty()) stored.back() ^= std::byte{1};
    region_.put(end_, std::as_bytes(std::span(&header, 1)));
    if (!stored.empty()) region_.put(end_ + sizeof(header), stored);
    end_ += dump_format::frame_footprint(stored.size());
  }

  ByteCount end() const { return end_; }
  std::uint64_t count() const { return sequence_; }

 private:
  SparseRegion& region_;
  ByteCount end_ = dump_format::kFramesOffset;
  std::uint64_t sequence_ = 0;
};

}  // namespace

void fuzz_one(Input input) {
  InputReader reader(input);
  const auto flags = reader.number<std::uint8_t>();
  SparseRegion region(kRegionSize);
  FrameWriter frames(region);
  for (std::size_t count = 0; count < kFramesMax && !reader.at_end(); ++count) {
    const auto type = static_cast<FrameType>(reader.number<std::uint8_t>() % 6);
    const auto packing =
        static_cast<Packing>(reader.number<std::uint8_t>() % static_cast<unsigned>(Packing::count));
    const auto claimed = reader.number<std::uint16_t>();
    frames.add(type, packing, reader.piece(), claimed);
  }
  if ((flags & 1) == 0) {
    auto header = dump_format::make_header(0x1'0000'0000, kRegionSize);
    std::memcpy(header.dump_id, kDumpId, sizeof(kDumpId));
    header.state = static_cast<std::uint32_t>(dump_format::State::complete);
    header.frames_end = std::min(frames.end(), kRegionSize);
    header.frame_count = frames.count();
    dump_format::close_header(header);
    region.put(dump_format::kHeaderOffset, std::as_bytes(std::span(&header, 1)));
  }
  const auto dump = DumpReader::open(region);
  if (dump) use_dump(*dump);
}

// The frames of the small machine, taken apart, with and without their packing.
std::vector<std::vector<std::byte>> seeds() {
  std::vector<std::vector<std::byte>> inputs;
  for (const bool keep_packing : {false, true}) {
    auto machine = test::make_small_machine(keep_packing ? Codec::zstd : Codec::stored);
    const auto region = machine.builder.build();
    InputWriter writer;
    writer.number(std::uint8_t{0});
    ByteCount offset = dump_format::kFramesOffset;
    while (offset < machine.builder.frames_end()) {
      dump_format::FrameHeader header;
      std::memcpy(&header, &region.bytes[offset], sizeof(header));
      const Input payload = std::span(region.bytes).subspan(offset + sizeof(header), header.stored_size);
      offset += dump_format::frame_footprint(header.stored_size);
      if (payload.size() > UINT16_MAX) continue;
      const auto packing = keep_packing ? Packing::zstd_claimed : Packing::zstd;
      writer.number(static_cast<std::uint8_t>(std::uint16_t{header.type})).number(packing);
      writer.number(static_cast<std::uint16_t>(header.raw_size - payload.size())).piece(payload);
    }
    inputs.push_back(writer.bytes());
  }
  // One frame of lines: a plain line, one told from it, zeros.
  dump_format::LinesPrefix prefix{};
  prefix.plain_count = 1;
  InputWriter lines;
  lines.number(prefix);
  const std::uint8_t modes[] = {static_cast<std::uint8_t>(dump_format::LineMode::plain),
                                static_cast<std::uint8_t>(dump_format::LineMode::zeros)};
  lines.append(std::as_bytes(std::span(modes)));
  std::array<std::byte, dump_format::kLineSize> plain{};
  plain.fill(std::byte{0x5a});
  lines.append(plain);
  InputWriter writer;
  writer.number(std::uint8_t{1}).number(std::uint8_t{1}).number(Packing::lines);
  writer.number(static_cast<std::uint16_t>(2 * dump_format::kLineSize - lines.bytes().size()))
      .piece(lines.bytes());
  inputs.push_back(writer.bytes());
  return inputs;
}

}  // namespace warmdump::fuzz
