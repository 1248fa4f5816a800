#include "recover/region/wipe.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <string_view>

#include "common/dump_format/dump_header.h"
#include "common/stopwatch.h"
#include "recover/dump/aligned_buffer.h"

namespace warmdump {
namespace {

using dump_format::RegionHeader;

constexpr ByteCount kChunkSize = 4 * kMiB;

struct Range {
  ByteCount begin, end;
};

std::array<Range, 3> ranges_to_wipe(ByteCount region_size) {
  using dump_format::kHeaderCopyOffset, dump_format::kHeaderOffset, dump_format::kHeaderSize;
  return {Range{0, kHeaderOffset}, Range{kHeaderOffset + kHeaderSize, kHeaderCopyOffset},
          Range{kHeaderCopyOffset + kHeaderSize, round_down(region_size, kDirectAlignment)}};
}

// Index of the first byte that is not zero, or the size.
std::size_t first_nonzero(std::span<const std::byte> bytes) {
  // An all-zero range equals itself shifted by one byte: memcmp is far faster than a loop over bytes.
  const bool zero = bytes.empty() || (bytes[0] == std::byte{0} &&
                                      std::memcmp(bytes.data(), bytes.data() + 1, bytes.size() - 1) == 0);
  if (zero) return bytes.size();
  const auto found = std::find_if(bytes.begin(), bytes.end(), [](std::byte b) { return b != std::byte{0}; });
  return static_cast<std::size_t>(found - bytes.begin());
}

struct Signature {
  const char* owner;
  std::size_t offset;
  std::string_view bytes;
};

// What people put on a PMEM disk, as far as it shows in the first page.
// To add one: a line here.
constexpr Signature kForeignSignatures[] = {
    {"an XFS file system", 0, "XFSB"},
    {"LUKS encryption", 0, "LUKS\xba\xbe"},
    {"a partition table", 512, "EFI PART"},
    {"an LVM volume", 512, "LABELONE"},
    {"an ext2, ext3 or ext4 file system", 0x438, "\x53\xef"},
    {"swap space", 4086, "SWAPSPACE2"},
};

Outcome<void> refuse_foreign_data(const Device& region) {
  AlignedBuffer buffer(kDirectAlignment);
  TRY(in_context("cannot read the first page", region.read_at(0, buffer.bytes())));
  for (const Signature& signature : kForeignSignatures) {
    if (std::memcmp(buffer.bytes().data() + signature.offset, signature.bytes.data(),
                    signature.bytes.size()) == 0) {
      return Failure(ErrorCode::refused,
                     std::string("there is ") + signature.owner +
                         " on it, so it is left as it is; if it is to be the dump region, clear "
                         "it with `wipefs --all` first");
    }
  }
  return {};
}

template <class Action>
Result<void> for_each_chunk(ByteCount region_size, Action&& action) {
  for (const Range& range : ranges_to_wipe(region_size)) {
    for (ByteCount offset = range.begin; offset < range.end;) {
      const ByteCount size = std::min(kChunkSize, range.end - offset);
      TRY(action(offset, size));
      offset += size;
    }
  }
  return {};
}

}  // namespace

Outcome<WipeTimes> wipe_region(Device& region, const WipeProgress& progress) {
  if (region.size() < dump_format::kRegionSizeMin) {
    return Failure(ErrorCode::no_space, "cannot wipe the region: smaller than 4 MiB, so no dump region");
  }
  AlignedBuffer buffer(kChunkSize);
  ByteCount total = 0;
  for (const Range& range : ranges_to_wipe(region.size())) total += range.end - range.begin;
  ByteCount done = 0;
  const auto advance = [&](const char* what, ByteCount size) {
    done += size;
    if (progress) progress(what, done, total);
  };

  WipeTimes times;
  const Stopwatch writing;
  TRY(in_context("cannot wipe the region",
                 for_each_chunk(region.size(), [&](auto offset, auto size) -> Result<void> {
                   TRY(region.write_at(offset, buffer.bytes().first(size)));
                   advance("wiping", size);
                   return {};
                 })));
  times.write_ms = writing.elapsed_ms();
  const Stopwatch flushing;
  TRY(in_context("cannot wipe the region", region.persist()));
  times.flush_ms = flushing.elapsed_ms();

  done = 0;
  const Stopwatch verifying;
  TRY(in_context("cannot verify the wiped region",
                 for_each_chunk(region.size(), [&](auto offset, auto size) -> Result<void> {
                   const auto bytes = buffer.bytes().first(size);
                   TRY(region.read_at(offset, bytes));
                   const std::size_t wrong = first_nonzero(bytes);
                   if (wrong < bytes.size()) {
                     return Error::make(ErrorCode::corrupt, "memory does not keep what was written to it")
                         .at(WhereKind::region_offset, offset + wrong);
                   }
                   advance("verifying", size);
                   return {};
                 })));
  times.verify_ms = verifying.elapsed_ms();
  return times;
}

Outcome<void> clear_info_block(Device& region) {
  AlignedBuffer buffer(dump_format::kHeaderOffset);
  const auto bytes = buffer.bytes();
  TRY(in_context("cannot read the info block", region.read_at(0, bytes)));
  if (first_nonzero(bytes) == bytes.size()) return {};
  std::memset(bytes.data(), 0, bytes.size());
  TRY(in_context("cannot clear the info block", region.write_at(0, bytes)));
  return in_context("cannot clear the info block", region.persist());
}

Outcome<RegionHeader> format_region(Device& region, PhysicalAddress region_start) {
  if (region.size() < dump_format::kRegionSizeMin) {
    return Failure(ErrorCode::no_space,
                   "region too small for a dump: at least 4 MiB, better as `warmdump plan` says");
  }
  TRY(refuse_foreign_data(region));
  TRY(clear_info_block(region));
  RegionHeader header = dump_format::make_header(region_start, region.size());
  TRY(in_context("cannot write the region header", write_region_header(region, header)));
  return header;
}

Result<RegionHeader> read_region_header(const Device& region) {
  AlignedBuffer buffer(dump_format::kHeaderSize);
  return dump_format::read_header(region, buffer.bytes().first<dump_format::kHeaderSize>());
}

Result<void> write_region_header(Device& region, RegionHeader& header) {
  AlignedBuffer buffer(dump_format::kHeaderSize);
  return dump_format::write_header(region, header, buffer.bytes().first<dump_format::kHeaderSize>());
}

}  // namespace warmdump
