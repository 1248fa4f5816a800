// PageSelection: which pages a phase of the capture stores, and the account of all of them. No heap.

#pragma once

#include <cstddef>
#include <span>

#include "capture/pages/page_survey.h"
#include "common/dump_format/dump_format.h"

namespace warmdump {

// The phase that stores the pages of a class; Phase::none for classes that are never stored. Vital pages are
// taken out of their phase and stored in Phase::kernel_image.
dump_format::Phase phase_of(PageClass page_class);

class PageSelection {
 public:
  // `survey` must outlive this object. Large: keep it in static storage.
  PageSelection(const PageSurvey& survey, unsigned dump_level) : survey_(survey), dump_level_(dump_level) {}

  // False when no page of the chunk can belong to the phase.
  bool has_work(dump_format::Phase phase, std::uint64_t chunk) const;

  // True when the level keeps any page that Phase::user_pages stores.
  bool keeps_user_pages() const;

  // For each page of the chunk that starts at `first`: is it stored in `phase`? Valid until the next call.
  std::span<const bool, kChunkPfns> select(dump_format::Phase phase, Pfn first,
                                           std::span<const PageClass, kChunkPfns> classes);

  // Takes out of the last selection what lies outside of [from, to); `first` as there.
  void restrict_to(Pfn first, Pfn from, Pfn to);

  // Payload of the class map frame of a chunk. Valid until the next call.
  std::span<const std::byte> class_map(Pfn first, std::span<const PageClass, kChunkPfns> classes);

  // Counts the pages of the class map made last. Call once a chunk.
  void count_pages();

  // Pages counted so far, and those of them that the dump is to have.
  PageCount pages(std::size_t class_index) const { return pages_[class_index]; }
  PageCount kept(std::size_t class_index) const { return kept_[class_index]; }

 private:
  const PageSurvey& survey_;
  unsigned dump_level_;
  PageCount pages_[dump_format::kPageClassCount] = {};
  PageCount kept_[dump_format::kPageClassCount] = {};
  bool selected_[kChunkPfns];
  std::byte class_map_[sizeof(dump_format::ClassMapPrefix) + kChunkPfns];
};

}  // namespace warmdump
