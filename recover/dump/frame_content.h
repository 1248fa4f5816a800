// FrameContent: what a reader keeps of a frame that it has decoded: everything but the bytes of pages and the
// classes in class maps, which are decoded again when somebody asks for them.

#pragma once

#include <cstdint>
#include <span>
#include <variant>
#include <vector>

#include "common/dump_format/dump_format.h"
#include "common/result.h"
#include "common/units.h"

namespace warmdump {

struct BlobContent {
  dump_format::BlobKind kind;  // may be one this build does not know
  ByteCount total_size;
  ByteCount offset;
  std::vector<std::byte> bytes;
};

struct ClassMapContent {
  Pfn first_pfn;
  std::uint32_t pfn_count;
};

struct PagesContent {
  std::vector<dump_format::PageRun> runs;
  std::uint32_t phase;
};

struct EndContent {
  dump_format::EndPrefix prefix;
  std::vector<dump_format::ClassTotals> totals;
};

using FrameContent = std::variant<BlobContent, ClassMapContent, PagesContent, EndContent>;

// Of a decoded payload, checked as the parse functions of frame_payload.h do. Errors: corrupt, unsupported (a
// type this build does not know).
Result<FrameContent> content_of(const dump_format::FrameHeader& header, std::span<const std::byte> payload);

}  // namespace warmdump
