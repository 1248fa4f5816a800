// The reading half of codec `lines` (docs/DUMP_FORMAT.md): from the parts of a stored payload back to the
// payload. Believes nothing: the bytes may come from anybody who could write to RAM.

#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "common/dump_format/dump_format.h"
#include "common/result.h"

namespace warmdump {

// Bytes of content (what the zstd frame expands to) that `prefix` promises for a payload of `raw_size` bytes.
ByteCount lines_content_size(const dump_format::LinesPrefix& prefix, ByteCount raw_size);

class LineDecoder {
 public:
  // Fills `raw`, at most kFrameRawSizeMax bytes. `noise`: the noise lines; `content`: of exactly
  // lines_content_size(prefix, raw.size()) bytes. Error corrupt when the parts contradict each other; `raw`
  // is then undefined.
  Result<void> decode(const dump_format::LinesPrefix& prefix, std::span<const std::byte> noise,
                      std::span<const std::byte> content, std::span<std::byte> raw);

 private:
  std::vector<std::uint16_t> tags_;  // of each line so far; 0 where the line is not coded
};

}  // namespace warmdump
