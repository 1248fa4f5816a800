#include "capture/pages/page_selection.h"

#include <cstring>

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
  for (Pfn i = 0; i < kChunkPfns; ++i) {
    selected_[i] = phase_of(classes[i]) == phase && is_kept(classes[i], dump_level_);
  }
  survey_.vital_pages().for_each_in(first, first + kChunkPfns, [&](Pfn from, Pfn to) {
    for (Pfn pfn = from; pfn < to; ++pfn) {
      selected_[pfn - first] = phase == Phase::kernel_image && phase_of(classes[pfn - first]) != Phase::none;
    }
  });
  return selected_;
}

std::span<const std::byte> PageSelection::class_map(Pfn first,
                                                    std::span<const PageClass, kChunkPfns> classes) {
  ClassMapPrefix prefix{};
  prefix.first_pfn = first;
  prefix.pfn_count = static_cast<std::uint32_t>(kChunkPfns);
  std::memcpy(class_map_, &prefix, sizeof(prefix));
  std::byte* bytes = class_map_ + sizeof(prefix);
  for (Pfn i = 0; i < kChunkPfns; ++i) {
    const bool kept = is_kept(classes[i], dump_level_);
    bytes[i] = static_cast<std::byte>(static_cast<unsigned>(classes[i]) | (kept ? kClassKept : 0U));
  }
  survey_.vital_pages().for_each_in(first, first + kChunkPfns, [&](Pfn from, Pfn to) {
    for (Pfn pfn = from; pfn < to; ++pfn) {
      if (phase_of(classes[pfn - first]) != Phase::none) bytes[pfn - first] |= std::byte{kClassKept};
    }
  });
  for (Pfn i = 0; i < kChunkPfns; ++i) {
    const auto index = static_cast<std::size_t>(classes[i]);
    ++pages_[index];
    if ((bytes[i] & std::byte{kClassKept}) != std::byte{0}) ++kept_[index];
  }
  return class_map_;
}

}  // namespace warmdump
