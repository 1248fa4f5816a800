#include "recover/dump/run_index.h"

#include <algorithm>
#include <map>

namespace warmdump {
namespace {

bool starts_before(const IndexedRun& left, const IndexedRun& right) {
  return left.first_pfn < right.first_pfn;
}

bool overlap_anywhere(std::span<const IndexedRun> sorted) {
  return std::adjacent_find(sorted.begin(), sorted.end(),
                            [](const IndexedRun& left, const IndexedRun& right) {
                              return left.pfn_end() > right.first_pfn;
                            }) != sorted.end();
}

// Lays runs over each other in the order given: later ones cover earlier ones.
class Overlay {
 public:
  void cover(const IndexedRun& run) {
    auto at = runs_.lower_bound(run.first_pfn);
    if (at != runs_.begin() && std::prev(at)->second.pfn_end() > run.first_pfn) at = std::prev(at);
    while (at != runs_.end() && at->first < run.pfn_end()) {
      const IndexedRun covered = at->second;
      at = runs_.erase(at);
      if (covered.first_pfn < run.first_pfn) insert(part_of(covered, covered.first_pfn, run.first_pfn));
      if (covered.pfn_end() > run.pfn_end()) insert(part_of(covered, run.pfn_end(), covered.pfn_end()));
    }
    insert(run);
  }

  std::vector<IndexedRun> take() const {
    std::vector<IndexedRun> runs;
    runs.reserve(runs_.size());
    for (const auto& [pfn, run] : runs_) runs.push_back(run);
    return runs;
  }

 private:
  void insert(const IndexedRun& run) { runs_.emplace(run.first_pfn, run); }

  std::map<Pfn, IndexedRun> runs_;
};

// Zero and unreadable pages need no frame to be read: what touches is one run.
bool can_join(const IndexedRun& left, const IndexedRun& right) {
  return left.content != dump_format::RunContent::data && left.content == right.content &&
         left.pfn_end() == right.first_pfn && right.pfn_count <= UINT32_MAX - left.pfn_count;
}

void join_neighbours(std::vector<IndexedRun>& runs) {
  std::size_t kept = 0;
  for (const IndexedRun& run : runs) {
    if (kept > 0 && can_join(runs[kept - 1], run)) {
      runs[kept - 1].pfn_count += run.pfn_count;
    } else {
      runs[kept++] = run;
    }
  }
  runs.resize(kept);
}

}  // namespace

IndexedRun part_of(const IndexedRun& run, Pfn first, Pfn end) {
  IndexedRun part = run;
  part.position += static_cast<std::uint32_t>(first - run.first_pfn);
  part.first_pfn = first;
  part.pfn_count = static_cast<std::uint32_t>(end - first);
  return part;
}

bool RunIndex::add(const IndexedRun& run) {
  if (runs_.size() >= kRunsMax) return false;
  runs_.push_back(run);
  return true;
}

void RunIndex::finish() {
  std::vector<IndexedRun> sorted = runs_;
  std::stable_sort(sorted.begin(), sorted.end(), starts_before);
  if (overlap_anywhere(sorted)) {
    Overlay overlay;
    for (const IndexedRun& run : runs_) overlay.cover(run);
    sorted = overlay.take();
  }
  runs_ = std::move(sorted);
  join_neighbours(runs_);
  runs_.shrink_to_fit();
}

PageCount RunIndex::clip(std::span<const PfnRange> ranges) {
  std::vector<IndexedRun> kept;
  PageCount pages_before = 0;
  PageCount pages_after = 0;
  std::size_t range = 0;
  for (const IndexedRun& run : runs_) {
    pages_before += run.pfn_count;
    while (range < ranges.size() && ranges[range].end <= run.first_pfn) ++range;
    for (std::size_t at = range; at < ranges.size() && ranges[at].first < run.pfn_end(); ++at) {
      const Pfn first = std::max(run.first_pfn, ranges[at].first);
      const Pfn end = std::min(run.pfn_end(), ranges[at].end);
      kept.push_back(part_of(run, first, end));
      pages_after += end - first;
    }
  }
  if (pages_after != pages_before) runs_ = std::move(kept);
  return pages_before - pages_after;
}

const IndexedRun* RunIndex::find(Pfn pfn) const {
  auto behind = std::upper_bound(runs_.begin(), runs_.end(), pfn,
                                 [](Pfn value, const IndexedRun& run) { return value < run.first_pfn; });
  if (behind == runs_.begin()) return nullptr;
  const IndexedRun& run = *std::prev(behind);
  return pfn < run.pfn_end() ? &run : nullptr;
}

}  // namespace warmdump
