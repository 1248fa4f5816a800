#include "capture/pages/capture_plan.h"

#include <algorithm>

namespace warmdump {

using dump_format::PageClass;
using dump_format::Phase;

namespace {

constexpr Phase kKernelPhases[] = {Phase::slab_pages, Phase::page_table_pages, Phase::other_kernel_pages};
constexpr Phase kStructPhases[] = {Phase::used_struct_pages, Phase::other_struct_pages};
constexpr Phase kUserPhases[] = {Phase::private_cache_pages, Phase::cache_pages, Phase::process_pages,
                                 Phase::hugetlb_pages, Phase::free_pages};
// Pages to have seen before their compression says anything about the next ones; until then a page is taken
// to need a third of its size.
constexpr PageCount kSampleMin = 1024;
constexpr ByteCount kBytesPerPageGuess = kPageSize / 3;

}  // namespace

constexpr BulkGroup kKernelPages = {Phase::kernel_pages, kKernelPhases};
constexpr BulkGroup kStructPages = {Phase::struct_pages, kStructPhases};
constexpr BulkGroup kUserPages = {Phase::user_pages, kUserPhases};

bool is_bulk(Phase phase) {
  for (const BulkGroup* group : {&kKernelPages, &kStructPages, &kUserPages}) {
    if (group->whole == phase) return true;
    if (std::find(group->by_class.begin(), group->by_class.end(), phase) != group->by_class.end())
      return true;
  }
  return false;
}

bool stores_class(Phase phase, PageClass page_class) {
  switch (page_class) {
    case PageClass::slab:
      return phase == Phase::kernel_pages || phase == Phase::slab_pages;
    case PageClass::page_table:
      return phase == Phase::kernel_pages || phase == Phase::page_table_pages;
    case PageClass::kernel:
    case PageClass::kernel_image:
    case PageClass::unknown:
      return phase == Phase::kernel_pages || phase == Phase::other_kernel_pages;
    case PageClass::struct_page:
      return phase == Phase::struct_pages || phase == Phase::used_struct_pages ||
             phase == Phase::other_struct_pages;
    case PageClass::private_cache:
      return phase == Phase::user_pages || phase == Phase::private_cache_pages;
    case PageClass::cache:
      return phase == Phase::user_pages || phase == Phase::cache_pages;
    case PageClass::user:
      return phase == Phase::user_pages || phase == Phase::process_pages;
    case PageClass::hugetlb:
      return phase == Phase::user_pages || phase == Phase::hugetlb_pages;
    case PageClass::free:
    case PageClass::unaccepted:
      return phase == Phase::user_pages || phase == Phase::free_pages;
    case PageClass::absent:
    case PageClass::hwpoison:
    case PageClass::offline:
    case PageClass::region:
      return false;
  }
  return false;
}

ByteCount size_max(PageCount pages, unsigned frames_under_way) {
  constexpr PageCount kPagesPerFrameMin = 256;
  const ByteCount frame_headers = (pages / kPagesPerFrameMin + 1) * kKiB;
  return pages * (kPageSize + sizeof(dump_format::PageRun)) + frame_headers +
         (1 + frames_under_way) * dump_format::kFrameStoredSizeMax;
}

bool will_fit(const SpaceEstimate& estimate, const BulkGroup& group) {
  PageCount pages = 0;
  for (const BulkGroup* other : {&kKernelPages, &kStructPages, &kUserPages}) {
    for (std::size_t i = 0; i < dump_format::kPageClassCount; ++i) {
      if (stores_class(other->whole, static_cast<PageClass>(i))) pages += estimate.pages_left[i];
    }
    if (other->whole == group.whole) break;
  }
  const ByteCount bytes_per_page =
      estimate.pages_stored < kSampleMin
          ? kBytesPerPageGuess
          : std::max<ByteCount>(1,
                                (estimate.bytes_stored + estimate.pages_stored - 1) / estimate.pages_stored);
  return pages <= estimate.space_left / bytes_per_page;
}

}  // namespace warmdump
