// PageSurvey: what every page of the vmcore is, chunk by chunk: the classes of the struct pages, and over
// them what the capture itself knows (kernel image, memory map, dump region, holes). No heap.

#pragma once

#include <cstddef>
#include <optional>
#include <span>

#include "capture/crashed_machine/crashed_kernel.h"
#include "capture/pages/chunk.h"
#include "capture/pages/pfn_ranges.h"
#include "capture/support/pulse.h"
#include "common/kernel/page_classifier.h"
#include "common/kernel/vmcore_elf.h"

namespace warmdump {

class PageSurvey {
 public:
  // All references must outlive this object. Large: keep it in static storage. `region` is the dump region's
  // own physical range, empty when it is not part of the crashed machine.
  PageSurvey(const VmcoreElf& elf, CrashedKernel& kernel, PhysicalMemory& memory, PfnRange region,
             Pulse& pulse);

  // For captures that store free pages: PageClassifier::look_into_free_blocks().
  void look_into_free_blocks() {
    if (classifier_) classifier_->look_into_free_blocks();
  }

  // Finds the pages that hold struct pages. Call once, before classify(). What cannot be read, or not before
  // the deadline, is left out.
  void locate_struct_pages();

  // Classes of the kChunkPfns pages of a chunk; valid until the next call. They depend on the chunk alone. Of
  // blocks that are not asked for (bit i: pages from i * PageClassifier::kBlockPfns on) nothing is known.
  static constexpr unsigned kAllBlocks = (1U << (kChunkPfns / PageClassifier::kBlockPfns)) - 1;
  std::span<const PageClass, kChunkPfns> classify(std::uint64_t chunk, unsigned blocks = kAllBlocks);

  // First chunk >= `chunk` with any memory in it; empty behind the last one.
  std::optional<std::uint64_t> next_chunk(std::uint64_t chunk) const;

  // Physically contiguous pages of struct pages, and the page that the first of them is about.
  struct MapPiece {
    Pfn first;
    Pfn end;
    Pfn described;
  };
  std::span<const MapPiece> map_pieces() const { return {map_pieces_, map_piece_count_}; }
  // The pages that page `pfn` of `piece` is about.
  PfnRange described_by(const MapPiece& piece, Pfn pfn) const;

 private:
  // Beyond these, which takes memory scattered over hundreds of places, struct pages have no piece.
  static constexpr std::size_t kMapPiecesMax = 4096;

  void add_map_piece(const MapPiece& piece);
  void classify_block(Pfn first);
  void overlay(Pfn first, Pfn end);
  void overlay_holes(Pfn first, Pfn end);
  PageClass& class_at(Pfn pfn) { return classes_[pfn % kChunkPfns]; }

  const VmcoreElf& elf_;
  CrashedKernel& kernel_;
  PfnRange region_;
  Pulse& pulse_;
  std::optional<PageClassifier> classifier_;
  PfnRanges kernel_image_;
  PfnRanges struct_pages_;
  std::size_t map_piece_count_ = 0;
  MapPiece map_pieces_[kMapPiecesMax];  // left uninitialised: memory that is not needed is not touched
  std::uint64_t classified_chunk_ = ~std::uint64_t{0};
  unsigned classified_blocks_ = 0;
  PageClass classes_[kChunkPfns];
};

}  // namespace warmdump
