// What is inside a frame: decompressed, checked, as views over its bytes. Every length and count in a frame
// is believed only after the checks here; the bytes may come from anybody who could write to RAM.

#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "common/dump_format/dump_format.h"
#include "common/result.h"
#include "common/units.h"
#include "recover/dump/line_decoder.h"

struct ZSTD_DCtx_s;

namespace warmdump {

// One beyond the last pfn that can exist: 52 bits of physical address.
inline constexpr Pfn kPfnEnd = Pfn{1} << 40;

// Decompresses payloads. Keeps its memory from frame to frame: one for each thread, never more than
// kFrameRawSizeMax, kLinesContentMax and zstd's own context.
class PayloadDecoder {
 public:
  PayloadDecoder();
  PayloadDecoder(PayloadDecoder&&) noexcept;
  PayloadDecoder& operator=(PayloadDecoder&&) noexcept;
  ~PayloadDecoder();

  // The payload of `header` as it was before compression: a view into `stored` or into this object, valid
  // until the next call. Errors: corrupt (not exactly raw_size bytes), unsupported (codec), no_space.
  Result<std::span<const std::byte>> decode(const dump_format::FrameHeader& header,
                                            std::span<const std::byte> stored);

 private:
  struct FreeContext {
    void operator()(ZSTD_DCtx_s* context) const;
  };
  // `stored` is exactly one zstd frame that expands to exactly `size` bytes; they are put into `target`.
  Result<std::span<const std::byte>> expand(std::span<const std::byte> stored, std::size_t size,
                                            std::vector<std::byte>& target);
  Result<std::span<const std::byte>> decode_lines(std::span<const std::byte> stored, std::size_t raw_size);

  std::unique_ptr<ZSTD_DCtx_s, FreeContext> context_;
  LineDecoder line_decoder_;
  std::vector<std::byte> raw_;
  std::vector<std::byte> content_;
};

// Views into a decoded payload; they live as long as its bytes.

struct BlobPiece {
  dump_format::BlobKind kind;  // may be one this build does not know
  ByteCount total_size;        // claimed, not checked
  ByteCount offset;            // offset + bytes.size() <= total_size
  std::span<const std::byte> bytes;
};

struct ClassMapPiece {
  Pfn first_pfn;
  std::span<const std::byte> class_bytes;  // one a pfn; at least one
};

struct PagesPiece {
  std::span<const dump_format::PageRun> runs;  // 1 to kRunsPerFrameMax, each below kPfnEnd and not empty
  std::span<const std::byte> data;             // the pages of all data runs, in order
  std::uint32_t phase;                         // that stored them; may be one this build does not know
};

struct EndPiece {
  dump_format::EndPrefix prefix;
  std::span<const dump_format::ClassTotals> totals;
};

// Error corrupt when the payload contradicts itself.
Result<BlobPiece> parse_blob(std::span<const std::byte> payload);
Result<ClassMapPiece> parse_class_map(std::span<const std::byte> payload);
Result<PagesPiece> parse_pages(std::span<const std::byte> payload);
Result<EndPiece> parse_end(std::span<const std::byte> payload);

}  // namespace warmdump
