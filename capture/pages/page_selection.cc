#include "capture/pages/page_selection.h"

#include <algorithm>
#include <cstring>

#include "capture/pages/class_runs.h"

namespace warmdump {

using namespace dump_format;

Phase phase_of(PageClass page_class) {
  switch (page_class) {
    case PageClass::kernel:
    case PageClass::slab:
    case PageClass::page_table:
    case PageClass::kernel_image:
    case PageClass::unknown:
      return Phase::kernel_pages;
    case PageClass::struct_page:
      return Phase::struct_pages;
    case PageClass::free:
    case PageClass::unaccepted:
    case PageClass::cache:
    case PageClass::private_cache:
    case PageClass::user:
    case PageClass::hugetlb:
      return Phase::user_pages;
    case PageClass::absent:
    case PageClass::hwpoison:
    case PageClass::offline:
    case PageClass::region:
      return Phase::none;
  }
  return Phase::none;
}

bool PageSelection::has_work(Phase phase, std::uint64_t chunk) const {
  const Pfn first = chunk * kChunkPfns;
  switch (phase) {
    case Phase::kernel_image:
      return survey_.vital_pages().overlaps(first, first + kChunkPfns);
    case Phase::struct_pages:
      return survey_.struct_pages().overlaps(first, first + kChunkPfns);
    default:
      return true;
  }
}

bool PageSelection::keeps_user_pages() const {
  return is_kept(PageClass::private_cache, dump_level_) || is_kept(PageClass::user, dump_level_) ||
         is_kept(PageClass::free, dump_level_);
}

std::span<const bool, kChunkPfns> PageSelection::select(Phase phase, Pfn first,
                                                        std::span<const PageClass, kChunkPfns> classes) {
  for (std::size_t from = 0; from < kChunkPfns;) {
    const std::size_t to = run_end(std::span<const PageClass>(classes), from);
    std::fill(selected_ + from, selected_ + to,
              phase_of(classes[from]) == phase && is_kept(classes[from], dump_level_));
    from = to;
  }
  survey_.vital_pages().for_each_in(first, first + kChunkPfns, [&](Pfn from, Pfn to) {
    for (Pfn pfn = from; pfn < to; ++pfn) {
      selected_[pfn - first] = phase == Phase::kernel_image && phase_of(classes[pfn - first]) != Phase::none;
    }
  });
  return selected_;
}

void PageSelection::restrict_to(Pfn first, Pfn from, Pfn to) {
  for (Pfn i = 0; i < kChunkPfns; ++i) {
    if (first + i < from || first + i >= to) selected_[i] = false;
  }
}

std::span<const std::byte> PageSelection::class_map(Pfn first,
                                                    std::span<const PageClass, kChunkPfns> classes) {
  ClassMapPrefix prefix{};
  prefix.first_pfn = first;
  prefix.pfn_count = static_cast<std::uint32_t>(kChunkPfns);
  std::memcpy(class_map_, &prefix, sizeof(prefix));
  std::byte* bytes = class_map_ + sizeof(prefix);
  for (std::size_t from = 0; from < kChunkPfns;) {
    const std::size_t to = run_end(std::span<const PageClass>(classes), from);
    const bool kept = is_kept(classes[from], dump_level_);
    std::fill(bytes + from, bytes + to,
              static_cast<std::byte>(static_cast<unsigned>(classes[from]) | (kept ? kClassKept : 0U)));
    from = to;
  }
  survey_.vital_pages().for_each_in(first, first + kChunkPfns, [&](Pfn from, Pfn to) {
    for (Pfn pfn = from; pfn < to; ++pfn) {
      if (phase_of(classes[pfn - first]) != Phase::none) bytes[pfn - first] |= std::byte{kClassKept};
    }
  });
  return class_map_;
}

void PageSelection::count_pages() {
  const std::span<const std::byte> map(class_map_ + sizeof(ClassMapPrefix), kChunkPfns);
  for (std::size_t from = 0; from < kChunkPfns;) {
    const std::size_t to = run_end(map, from);
    const auto index = std::to_integer<std::size_t>(map[from] & std::byte{kClassMask});
    pages_[index] += to - from;
    if ((map[from] & std::byte{kClassKept}) != std::byte{0}) kept_[index] += to - from;
    from = to;
  }
}

}  // namespace warmdump
