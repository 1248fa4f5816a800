// FrameSlot: one frame on its way to the region, from its payload to what will be stored. No heap.

#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "capture/support/shared_word.h"
#include "capture/writer/page_tally.h"
#include "common/dump_format/dump_format.h"

namespace warmdump {

// What it takes to make a frame again from the vmcore, when the stored one turns out to be damaged.
struct FrameOrigin {
  std::uint64_t first = 0;  // pages, class map: first pfn; blob: offset of the piece
  std::uint64_t last = 0;   // pages, class map: last pfn
  dump_format::FrameType type = dump_format::FrameType::blob;
  std::uint16_t detail = 0;  // pages: the Phase that selected them; blob: BlobKind
};

struct FrameSlot {
  FrameOrigin origin;
  PageTally pages;                     // in a frame of pages
  std::span<const std::byte> payload;  // what is to be stored, inside of `raw`
  dump_format::Codec codec = dump_format::Codec::stored;
  std::size_t stored_size = 0;
  SharedWord state;   // of FrameCompressor
  SharedWord ticket;  // frames are compressed in its order
  alignas(4096) std::byte raw[dump_format::kFrameRawSizeMax];
  // The frame as stored: its header, the payload, padding. Large enough for the blocks of 4 KiB around any
  // frame.
  alignas(4096) std::byte stored[dump_format::kFrameStoredSizeMax + 8 * kKiB];

  std::span<std::byte> stored_payload() {
    return std::span(stored).subspan(sizeof(dump_format::FrameHeader));
  }
};

}  // namespace warmdump
