// PageFrames: gathers pages into frames far larger than a page. No heap.

#pragma once

#include <cstddef>
#include <span>

#include "capture/writer/dump_writer.h"
#include "common/dump_format/dump_format.h"
#include "common/result.h"

namespace warmdump {

using dump_format::PageClass;

// Pages by class and content.
struct PageTally {
  PageCount data[dump_format::kPageClassCount] = {};
  PageCount zero[dump_format::kPageClassCount] = {};
  PageCount unreadable[dump_format::kPageClassCount] = {};

  void add(const PageTally& other);
};

class PageFrames {
 public:
  // Large: keep it in static storage. `writer` must outlive it.
  explicit PageFrames(DumpWriter& writer) : writer_(writer) {}

  // Where the next page with data will lie, and all that may follow it in the same frame. Pages put there and
  // then handed to add_data() need no further copy. Empty when the region is full. Valid until the frame is
  // finished.
  Result<std::span<std::byte>> room();

  // Each adds one page; pfns of one frame need no order, but runs of consecutive ones cost least. False when
  // the region is full: the page, and those of the frame it was to go into, are lost. `page` may lie in
  // room(), at its start or later.
  Result<bool> add_data(Pfn pfn, PageClass page_class, std::span<const std::byte, 4096> page);
  Result<bool> add_zero(Pfn pfn, PageClass page_class);
  Result<bool> add_unreadable(Pfn pfn, PageClass page_class);

  // Hands the frame under construction to the writer. False as above.
  Result<bool> finish_frame();

  // What the writer has taken so far.
  const PageTally& stored() const { return stored_; }

 private:
  // 1 MiB of pages a frame: measured, see docs/COMPRESSION.md.
  static constexpr std::size_t kPagesPerFrame = 256;
  static constexpr std::size_t kPrefixMax = round_up(
      sizeof(dump_format::PagesPrefix) + dump_format::kRunsPerFrameMax * sizeof(dump_format::PageRun), 64);
  static_assert(kPrefixMax + kPagesPerFrame * kPageSize <= dump_format::kFrameRawSizeMax);

  Result<bool> add_to_run(Pfn pfn, dump_format::RunContent content);

  DumpWriter& writer_;
  dump_format::PageRun runs_[dump_format::kRunsPerFrameMax];
  std::size_t run_count_ = 0;
  std::size_t page_count_ = 0;  // data pages in the frame under construction
  PageTally pending_;           // pages in the frame under construction
  PageTally stored_;
  // Page bytes begin at kPrefixMax; the runs are put right in front of them when the frame is finished.
  alignas(4096) std::byte payload_[kPrefixMax + kPagesPerFrame * kPageSize];
};

}  // namespace warmdump
