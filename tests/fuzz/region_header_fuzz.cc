// The region header: two copies of any bytes, with good checksums or not, before frames of the same dump.
//
//   input: flags (1: mend the checksum of the first copy, 2: of the second), size of the region in MiB, the
//   first copy; the rest is laid over it for the second

#include <algorithm>
#include <cstring>

#include "common/crc32c.h"
#include "common/dump_format/dump_header.h"
#include "recover/report/dump_summary.h"
#include "recover/report/meta_json.h"
#include "tests/fuzz/input_reader.h"
#include "tests/fuzz/sparse_region.h"
#include "tests/fuzz/use_dump.h"
#include "tests/support/dump_builder.h"

namespace warmdump::fuzz {
namespace {

using dump_format::RegionHeader;

constexpr ByteCount kFramesSize = 64 * kKiB;

struct Frames {
  std::vector<std::byte> bytes;
  RegionHeader header;
};

const Frames& small_frames() {
  static const Frames frames = [] {
    auto machine = test::make_small_machine();
    const auto region = machine.builder.build();
    const auto first = region.bytes.begin() + dump_format::kFramesOffset;
    const ByteCount size = std::min(kFramesSize, machine.builder.frames_end() - dump_format::kFramesOffset);
    return Frames{{first, first + static_cast<std::ptrdiff_t>(size)}, machine.builder.header};
  }();
  return frames;
}

std::vector<std::byte> input_of(const RegionHeader& header, std::uint8_t flags) {
  InputWriter writer;
  writer.number(flags).number(std::uint8_t{4});
  return writer.append(std::as_bytes(std::span(&header, 1))).bytes();
}

void mend(RegionHeader& header, bool asked) {
  if (asked) dump_format::close_header(header);
}

}  // namespace

void fuzz_one(Input input) {
  InputReader reader(input);
  const auto flags = reader.number<std::uint8_t>();
  const ByteCount size = reader.number<std::uint8_t>() % 6 * kMiB;
  auto first = reader.number<RegionHeader>();
  RegionHeader second = first;
  const Input changes = reader.take(sizeof(second));
  if (!changes.empty()) std::memcpy(&second, changes.data(), changes.size());
  mend(first, (flags & 1) != 0);
  mend(second, (flags & 2) != 0);

  SparseRegion region(size);
  region.put(dump_format::kHeaderOffset, std::as_bytes(std::span(&first, 1)));
  region.put(dump_format::kHeaderCopyOffset, std::as_bytes(std::span(&second, 1)));
  region.put(dump_format::kFramesOffset, small_frames().bytes);

  alignas(4096) std::array<std::byte, dump_format::kHeaderSize> buffer;
  const auto header = dump_format::read_header(region, buffer);
  if (header) {
    expect(
        dump_format::decode_header(std::as_bytes(std::span<const RegionHeader, 1>(&*header, 1))).has_value(),
        "a header that was read is a valid one");
    (void)to_json(summarize_region(*header));
  }
  const auto dump = DumpReader::open(region);
  if (dump) use_dump(*dump);
}

std::vector<std::vector<std::byte>> seeds() {
  RegionHeader header = small_frames().header;
  std::vector<std::vector<std::byte>> inputs;
  for (std::uint32_t state = 1; state <= 6; ++state) {
    header.state = state;
    inputs.push_back(input_of(header, 3));
  }
  inputs.push_back(input_of(header, 0));
  return inputs;
}

}  // namespace warmdump::fuzz
