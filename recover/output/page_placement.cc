#include "recover/output/page_placement.h"

#include <algorithm>
#include <tuple>

namespace warmdump {

PagePlacement::PagePlacement(const DumpReader& dump) {
  for (const IndexedRun& run : dump.pages().runs()) {
    if (run.content == dump_format::RunContent::unreadable) continue;
    runs_.push_back({run, page_count_});
    page_count_ += run.pfn_count;
    if (run.content == dump_format::RunContent::data) {
      by_frame_.push_back(runs_.back());
      data_page_count_ += run.pfn_count;
    }
  }
  std::sort(by_frame_.begin(), by_frame_.end(), [](const PlacedRun& left, const PlacedRun& right) {
    return std::tie(left.run.frame, left.run.position) < std::tie(right.run.frame, right.run.position);
  });
  for (std::size_t index = 0; index < by_frame_.size(); ++index) {
    if (index == 0 || by_frame_[index - 1].run.frame != by_frame_[index].run.frame)
      frame_starts_.push_back(index);
  }
}

std::span<const PlacedRun> PagePlacement::zero_runs_at(PageCount rank) const {
  const auto first = std::lower_bound(runs_.begin(), runs_.end(), rank,
                                      [](const PlacedRun& run, PageCount at) { return run.rank < at; });
  const auto end = std::find_if(first, runs_.end(), [](const PlacedRun& placed) {
    return placed.run.content == dump_format::RunContent::data;
  });
  return {first, end};
}

std::span<const PlacedRun> PagePlacement::runs_of_frame(std::size_t index) const {
  const std::size_t start = frame_starts_[index];
  const std::size_t end = index + 1 < frame_starts_.size() ? frame_starts_[index + 1] : by_frame_.size();
  return std::span(by_frame_).subspan(start, end - start);
}

}  // namespace warmdump
