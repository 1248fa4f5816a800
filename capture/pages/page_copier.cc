#include "capture/pages/page_copier.h"

#include <algorithm>
#include <cstring>

namespace warmdump {
namespace {

bool is_zero_page(const std::byte* page) {
  std::uint64_t words[8];
  for (std::size_t offset = 0; offset < kPageSize; offset += sizeof(words)) {
    std::memcpy(words, page + offset, sizeof(words));
    if ((words[0] | words[1] | words[2] | words[3] | words[4] | words[5] | words[6] | words[7]) != 0)
      return false;
  }
  return true;
}

}  // namespace

Result<void> PageCopier::copy(Pfn first, std::span<const PageClass, kChunkPfns> classes,
                              std::span<const bool, kChunkPfns> selected) {
  for (auto start = selected.begin(); start != selected.end();) {
    start = std::find(start, selected.end(), true);
    const auto end = std::find(start, selected.end(), false);
    const auto from = static_cast<Pfn>(start - selected.begin());
    const auto to = static_cast<Pfn>(end - selected.begin());
    if (from < to && !TRY(copy_run(first + from, first + to, &classes[from]))) return {};
    start = end;
  }
  return {};
}

Result<bool> PageCopier::copy_run(Pfn first, Pfn end, const PageClass* classes) {
  for (Pfn pfn = first; pfn < end;) {
    const MemoryRange* range = ranges_.find(pfn * kPageSize);
    const Pfn whole_pages = range == nullptr ? 0 : (range->end - pfn * kPageSize) / kPageSize;
    const Pfn count = std::min({end - pfn, whole_pages, PhysicalMemory::kViewMax / kPageSize});
    if (count == 0) {
      if (!TRY(copy_page(pfn, classes[pfn - first], edge_page(pfn)))) return false;
      ++pfn;
      continue;
    }
    const auto pages = memory_.view(pfn * kPageSize, count * kPageSize);
    for (Pfn i = 0; i < count; ++i) {
      const std::byte* page = nullptr;
      if (pages.has_value()) {
        page = pages->data() + i * kPageSize;
      } else if (const auto single = memory_.view((pfn + i) * kPageSize, kPageSize); single.has_value()) {
        page = single->data();  // one bad page must not take its neighbours along
      }
      if (!TRY(copy_page(pfn + i, classes[pfn + i - first], page))) return false;
    }
    pfn += count;
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

Result<bool> PageCopier::copy_page(Pfn pfn, PageClass page_class, const std::byte* page) {
  if (page == nullptr) return frames_.add_unreadable(pfn, page_class);
  if (is_zero_page(page)) return frames_.add_zero(pfn, page_class);
  return frames_.add_data(pfn, page_class, std::span<const std::byte, kPageSize>(page, kPageSize));
}

}  // namespace warmdump
