// PageSurvey: what every page of the vmcore is, chunk by chunk: the classes of the struct pages, and over
// them what the capture itself knows (kernel image, memory map, dump region, holes). No heap.

#pragma once

#include <cstddef>
#include <optional>
#include <span>

#include "capture/crashed_machine/crashed_kernel.h"
#include "capture/pages/pfn_ranges.h"
#include "common/kernel/page_classifier.h"
#include "common/kernel/vmcore_elf.h"

namespace warmdump {

// Pages that are one chunk; class maps are stored chunk by chunk.
inline constexpr Pfn kChunkPfns = 32768;
static_assert(kChunkPfns % PageClassifier::kBlockPfns == 0);

class PageSurvey {
 public:
  // All references must outlive this object. Large: keep it in static storage. `region` is the dump region's
  // own physical range, empty when it is not part of the crashed machine.
  PageSurvey(const VmcoreElf& elf, CrashedKernel& kernel, PhysicalMemory& memory, PfnRange region);

  // For captures that store free pages: PageClassifier::look_into_free_blocks().
  void look_into_free_blocks() {
    if (classifier_) classifier_->look_into_free_blocks();
  }

  // Finds the pages that must come first (kernel image, upper page tables, section tables, node data) and
  // those that hold struct pages. Call once, before classify(). What cannot be read is left out.
  void locate_tables();

  // Classes of the kChunkPfns pages of a chunk; valid until the next call.
  std::span<const PageClass, kChunkPfns> classify(std::uint64_t chunk);

  // First chunk >= `chunk` with any memory in it; empty behind the last one.
  std::optional<std::uint64_t> next_chunk(std::uint64_t chunk) const;

  // Pages without which nothing else can be read: to be stored first.
  const PfnRanges& vital_pages() const { return vital_; }
  const PfnRanges& struct_pages() const { return struct_pages_; }

 private:
  void add_vital(VirtualAddress address, ByteCount length);
  void locate_struct_pages();
  void locate_nodes();
  void overlay(Pfn first);
  void overlay_holes(Pfn first);

  const VmcoreElf& elf_;
  CrashedKernel& kernel_;
  PfnRange region_;
  std::optional<PageClassifier> classifier_;
  PfnRanges kernel_image_;
  PfnRanges vital_;
  PfnRanges struct_pages_;
  std::uint64_t classified_chunk_ = ~std::uint64_t{0};
  PageClass classes_[kChunkPfns];
};

}  // namespace warmdump
