// Counts the pages of the running system by class, through /proc/kpageflags, in bounded memory.

#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "arm/estimate/captured_memory.h"
#include "arm/estimate/live_memory.h"
#include "arm/estimate/page_flags.h"
#include "common/hosted/failure.h"

namespace warmdump {

// Hears how far a long reading is.
using EstimateProgress = std::function<void(const char* what, std::uint64_t done, std::uint64_t total)>;

class PageCensus {
 public:
  // Pages in a chunk at most: as in the capture, 128 MiB.
  static constexpr Pfn kChunkPfns = 32768;
  // A larger machine is counted by so many of its chunks, one chosen at random from each of as many equal
  // parts: of a TiB (8192 chunks) a quarter, half a GiB of flags.
  static constexpr std::size_t kChunksRead = 2048;

  struct Chunk {
    PfnRange pfns;
    std::array<std::uint32_t, dump_format::kPageClassCount> counts;
  };

  // The same `seed` chooses the same chunks. Errors of reading the flags.
  static Outcome<PageCensus> take(LiveMemory& memory, CapturedMemory captured, std::uint64_t seed,
                                  const EstimateProgress& progress);

  // Of all pages, whether looked at or not.
  PageCount pages() const { return pages_; }
  PageCount pages_read() const { return pages_read_; }
  bool is_sampled() const { return pages_read_ < pages_; }
  // Of a class: as many as there are in all by what was read.
  PageCount pages_of(PageClass page_class) const;
  // Of a class, in the chunks that were read.
  PageCount pages_read_of(PageClass page_class) const { return read_[static_cast<std::size_t>(page_class)]; }
  // One standard error of pages_of(), from how much the chunks differ; 0 when all were read.
  double standard_error_of(PageClass page_class) const;

  const std::vector<Chunk>& chunks() const { return chunks_; }

  // Looks at the pages of a chunk (again): `classes` gets pfns.count() classes.
  Outcome<void> classify(LiveMemory& memory, const PfnRange& pfns, std::span<PageClass> classes);

 private:
  CapturedMemory captured_;
  PageCount pages_ = 0;
  PageCount pages_read_ = 0;
  std::size_t chunks_in_all_ = 0;
  std::array<PageCount, dump_format::kPageClassCount> read_{};
  std::vector<Chunk> chunks_;
  std::vector<std::uint64_t> flags_;
};

}  // namespace warmdump
