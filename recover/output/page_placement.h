// PagePlacement: the pages an output file will hold, numbered in pfn order, so that each page's place in the
// file is known before the first one is read.

#pragma once

#include <span>
#include <vector>

#include "recover/dump/dump_reader.h"

namespace warmdump {

struct PlacedRun {
  IndexedRun run;  // data or zero
  PageCount rank;  // number of its first page among all pages of the file
};

class PagePlacement {
 public:
  explicit PagePlacement(const DumpReader& dump);

  // By pfn.
  std::span<const PlacedRun> runs() const { return runs_; }
  // The zero runs that follow each other from that rank on, up to the next data run.
  std::span<const PlacedRun> zero_runs_at(PageCount rank) const;
  PageCount page_count() const { return page_count_; }
  PageCount data_page_count() const { return data_page_count_; }

  // The data runs again, grouped by the frame that holds them, in the order of frames.
  std::size_t frame_count() const { return frame_starts_.size(); }
  std::span<const PlacedRun> runs_of_frame(std::size_t index) const;

 private:
  std::vector<PlacedRun> runs_;
  std::vector<PlacedRun> by_frame_;
  std::vector<std::size_t> frame_starts_;
  PageCount page_count_ = 0;
  PageCount data_page_count_ = 0;
};

}  // namespace warmdump
