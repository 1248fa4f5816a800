// What the pages of each class become in a dump: a sample of them, compressed by the capture's own encoder in
// frames of its own size.

#pragma once

#include <array>
#include <cstdint>

#include "arm/estimate/live_memory.h"
#include "arm/estimate/page_census.h"
#include "common/hosted/failure.h"

namespace warmdump {

// Of one class.
struct ClassSample {
  std::uint64_t frames = 0;
  PageCount pages = 0;       // read, zero pages included
  PageCount zero_pages = 0;  // stored without bytes
  PageCount unreadable = 0;  // asked for in vain
  ByteCount bytes = 0;       // stored, frame headers included
  double squares = 0;        // sum over frames of (bytes a page)^2

  double bytes_per_page() const;
  // One standard error of bytes_per_page(); 0 when `all_pages`, of which this is a sample, were read.
  double standard_error(PageCount all_pages) const;
};

struct CompressionSample {
  std::array<ClassSample, dump_format::kPageClassCount> classes;
  // Class maps are stored of all memory: a byte a page, compressed.
  PageCount mapped_pages = 0;
  ByteCount map_bytes = 0;
};

// Frames of each class that are compressed at most: 64 MiB of pages.
inline constexpr std::size_t kFramesSampled = 64;
// As PageFrames gathers them.
inline constexpr std::size_t kPagesPerFrame = 256;

// Samples the classes that `dump_level` keeps: of each, in the order of its pages, one random stretch of
// kPagesPerFrame out of each of kFramesSampled equal parts; all of it where there is less. When pages cannot
// be read only the class maps are sampled. Errors of reading flags.
Outcome<CompressionSample> sample_compression(LiveMemory& memory, PageCensus& census, unsigned dump_level,
                                              std::uint64_t seed, const EstimateProgress& progress);

}  // namespace warmdump
