#include "capture/pages/page_copier.h"

#include <algorithm>
#include <cstring>

#include "capture/pages/class_runs.h"
#include "common/page_bytes.h"

namespace warmdump {
namespace {

// Pages fetched at a time: enough that a system call costs nothing beside the copy, few enough to be still in
// the processor's cache when they are looked at.
constexpr Pfn kBatchPages = 32;

// A frame's worth of pages, as often as anybody needs to hear of.
constexpr Pfn kPfnsPerBeat = 256;

}  // namespace

Result<void> PageCopier::copy(Pfn first, std::span<const PageClass, kChunkPfns> classes,
                              std::span<const bool, kChunkPfns> selected) {
  for (std::size_t from = 0; from < selected.size();) {
    const std::size_t to = run_end(std::span<const bool>(selected), from);
    if (selected[from] && !TRY(copy_run(first + from, first + to, &classes[from]))) return {};
    from = to;
  }
  return {};
}

Result<bool> PageCopier::copy_run(Pfn first, Pfn end, const PageClass* classes) {
  for (Pfn pfn = first; pfn < end;) {
    if (pfns_since_beat_ >= kPfnsPerBeat) {
      pfns_since_beat_ = 0;
      if (!pulse_.beat()) return false;
    }
    const MemoryRange* range = ranges_.find(pfn * kPageSize);
    const Pfn whole_pages = range == nullptr ? 0 : (range->end - pfn * kPageSize) / kPageSize;
    if (whole_pages == 0) {
      if (!TRY(add_page(pfn, classes[pfn - first], edge_page(pfn)))) return false;
      ++pfn;
      ++pfns_since_beat_;
      continue;
    }
    const auto room = TRY(frames_.room());
    if (room.empty()) return false;
    const Pfn count = std::min({end - pfn, whole_pages, room.size() / kPageSize, kBatchPages});
    const auto pages = room.first(count * kPageSize);
    const bool is_whole = memory_.copy(pfn * kPageSize, pages).has_value();
    for (Pfn i = 0; i < count; ++i) {
      const auto page = pages.subspan(i * kPageSize, kPageSize);
      // One bad page must not take its neighbours along.
      const bool is_readable = is_whole || memory_.copy((pfn + i) * kPageSize, page).has_value();
      if (!TRY(add_page(pfn + i, classes[pfn + i - first], is_readable ? page.data() : nullptr)))
        return false;
    }
    pfn += count;
    pfns_since_beat_ += count;
  }
  return true;
}

const std::byte* PageCopier::edge_page(Pfn pfn) {
  // Memory that begins or ends inside a page: the rest of the page reads as zeros.
  std::memset(edge_, 0, sizeof(edge_));
  const PhysicalAddress start = pfn * kPageSize;
  bool has_any = false;
  for (std::size_t i = ranges_.first_ending_after(start); i < ranges_.count(); ++i) {
    const MemoryRange& range = ranges_[i];
    if (range.start >= start + kPageSize) break;
    const PhysicalAddress from = std::max(range.start, start);
    const PhysicalAddress to = std::min(range.end, start + kPageSize);
    has_any = memory_.read(from, std::span(edge_).subspan(from - start, to - from)).has_value() || has_any;
  }
  return has_any ? edge_ : nullptr;
}

Result<bool> PageCopier::add_page(Pfn pfn, PageClass page_class, const std::byte* page) {
  if (page == nullptr) return frames_.add_unreadable(pfn, page_class);
  if (is_all_zero(page, kPageSize)) return frames_.add_zero(pfn, page_class);
  return frames_.add_data(pfn, page_class, std::span<const std::byte, kPageSize>(page, kPageSize));
}

}  // namespace warmdump
