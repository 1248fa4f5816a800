// PageSelection: which pages a phase of the capture stores, and the account of all of them. No heap.
//
// What a phase stores of a chunk depends on nothing but the vmcore, the dump level and the hints: it can be
// asked for again at any time.

#pragma once

#include <cstddef>
#include <span>

#include "capture/pages/page_survey.h"
#include "capture/pages/priority_pages.h"
#include "common/dump_format/dump_format.h"

namespace warmdump {

class PageSelection {
 public:
  using Phase = dump_format::Phase;

  // All must outlive this object. Large: keep it in static storage.
  PageSelection(PageSurvey& survey, const PriorityPages& priority, unsigned dump_level)
      : survey_(survey), priority_(priority), dump_level_(dump_level) {}

  // False when no page of the chunk can belong to the phase. Phases of the bulk are known after the survey.
  bool has_work(Phase phase, std::uint64_t chunk) const;

  // The pages of a chunk that a phase stores. Valid until the next call.
  struct Selected {
    std::span<const PageClass, kChunkPfns> classes;
    std::span<const bool, kChunkPfns> pages;
  };
  Selected select(Phase phase, std::uint64_t chunk);

  // Takes out of the last selection, which was of this chunk, what lies outside of [from, to).
  void restrict_to(std::uint64_t chunk, Pfn from, Pfn to);

  // The survey: payload of the class map frame of a chunk, to be made of every chunk of memory before any
  // phase of the bulk. Valid until the next call.
  std::span<const std::byte> class_map(std::uint64_t chunk);

  // Counts the pages of the class map made last. Call once a chunk.
  void count_pages();

  // Pages counted so far, and those of them that the dump is to have.
  PageCount pages(std::size_t class_index) const { return pages_[class_index]; }
  PageCount kept(std::size_t class_index) const { return kept_[class_index]; }

 private:
  static constexpr std::size_t kSummariesMax = 16384;

  // Fills marks_: what priority_ says of every page of the chunk.
  void mark(std::uint64_t chunk);
  bool is_kept_at(Pfn index, PageClass page_class) const;
  std::size_t summary_index(std::uint64_t chunk) const;

  // Fills is_used_: for each page of struct pages in the chunk, whether it is about a page that is kept.
  void find_used_struct_pages(std::uint64_t chunk);

  PageSurvey& survey_;
  const PriorityPages& priority_;
  unsigned dump_level_;
  PageCount pages_[dump_format::kPageClassCount] = {};
  PageCount kept_[dump_format::kPageClassCount] = {};
  std::uint64_t marked_chunk_ = ~std::uint64_t{0};
  std::uint8_t marks_[kChunkPfns];  // phase of the page, kNoPhase for the bulk; kAlways
  bool selected_[kChunkPfns];
  bool is_used_[kChunkPfns];
  std::byte class_map_[sizeof(dump_format::ClassMapPrefix) + kChunkPfns];
  std::uint16_t summaries_[kSummariesMax] = {};  // classes that the bulk has to store, a bit each, by chunk
};

}  // namespace warmdump
