// PageFrames: gathers pages into frames far larger than a page. No heap.

#pragma once

#include <cstddef>
#include <span>

#include "capture/writer/dump_writer.h"
#include "common/dump_format/dump_format.h"
#include "common/result.h"

namespace warmdump {

using dump_format::PageClass;

class PageFrames {
 public:
  // `writer` must outlive it.
  explicit PageFrames(DumpWriter& writer) : writer_(writer) {}

  // Ends the frame under construction; the following ones say that `phase` stored them. False as below.
  Result<bool> begin_phase(dump_format::Phase phase);

  // Where the next page with data will lie, and what may follow it in the same frame. Pages put there and
  // then added one by one, data and others, stay in this frame, and add_data() need not copy them while none
  // was left out. Empty when the region is full.
  Result<std::span<std::byte>> room();

  // Each adds one page. Within a phase pfns must ascend, so that a frame can be made again by its first and
  // last pfn; runs of consecutive ones cost least. False when the region is known to be full: the page, and
  // those of the frame it was to go into, are lost. `page` may lie in room(), at its start or later.
  Result<bool> add_data(Pfn pfn, PageClass page_class, std::span<const std::byte, 4096> page);
  Result<bool> add_zero(Pfn pfn, PageClass page_class);
  Result<bool> add_unreadable(Pfn pfn, PageClass page_class);

  // Hands the frame under construction to the writer. False as above.
  Result<bool> finish_frame();

  // What the writer has stored so far.
  const PageTally& stored() const { return writer_.stored_pages(); }

 private:
  // 1 MiB of pages a frame: measured, see docs/COMPRESSION.md.
  static constexpr std::size_t kPagesPerFrame = 256;
  static constexpr std::size_t kPrefixMax = round_up(
      sizeof(dump_format::PagesPrefix) + dump_format::kRunsPerFrameMax * sizeof(dump_format::PageRun), 64);
  static_assert(kPrefixMax + kPagesPerFrame * kPageSize <= dump_format::kFrameRawSizeMax);

  Result<bool> add_to_run(Pfn pfn, dump_format::RunContent content);

  DumpWriter& writer_;
  dump_format::Phase phase_ = dump_format::Phase::none;
  dump_format::PageRun runs_[dump_format::kRunsPerFrameMax];
  std::size_t run_count_ = 0;
  std::size_t page_count_ = 0;  // data pages in the frame under construction
  // The frame under construction, nullptr when there is none. Page bytes begin at kPrefixMax of its payload;
  // the runs are put right in front of them when the frame is finished.
  FrameSlot* slot_ = nullptr;
};

}  // namespace warmdump
