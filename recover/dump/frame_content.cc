#include "recover/dump/frame_content.h"

#include "recover/dump/frame_payload.h"

namespace warmdump {

using dump_format::FrameType;

Result<FrameContent> content_of(const dump_format::FrameHeader& header, std::span<const std::byte> payload) {
  switch (static_cast<FrameType>(std::uint16_t{header.type})) {
    case FrameType::blob: {
      const BlobPiece blob = TRY(parse_blob(payload));
      return FrameContent(
          BlobContent{blob.kind, blob.total_size, blob.offset, {blob.bytes.begin(), blob.bytes.end()}});
    }
    case FrameType::class_map: {
      const ClassMapPiece map = TRY(parse_class_map(payload));
      return FrameContent(ClassMapContent{map.first_pfn, static_cast<std::uint32_t>(map.class_bytes.size())});
    }
    case FrameType::pages: {
      const PagesPiece pages = TRY(parse_pages(payload));
      return FrameContent(PagesContent{{pages.runs.begin(), pages.runs.end()}, pages.phase});
    }
    case FrameType::end: {
      const EndPiece end = TRY(parse_end(payload));
      return FrameContent(EndContent{end.prefix, {end.totals.begin(), end.totals.end()}});
    }
  }
  return Error::make(ErrorCode::unsupported, "frame of an unknown type");
}

}  // namespace warmdump
