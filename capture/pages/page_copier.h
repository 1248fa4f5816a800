// PageCopier: reads selected pages out of the crashed machine's memory and puts them into frames. No heap.

#pragma once

#include <cstddef>
#include <span>

#include "capture/pages/page_survey.h"
#include "capture/support/pulse.h"
#include "capture/writer/page_frames.h"
#include "common/kernel/physical_memory.h"
#include "common/kernel/vmcore_elf.h"
#include "common/result.h"

namespace warmdump {

class PageCopier {
 public:
  // All references must outlive this object.
  PageCopier(const MemoryRanges& ranges, PhysicalMemory& memory, PageFrames& frames, Pulse& pulse)
      : ranges_(ranges), memory_(memory), frames_(frames), pulse_(pulse) {}

  // Stores the selected pages of the chunk that starts at `first`, in order, until the region is full or the
  // deadline passes. Pages that cannot be read are stored as unreadable. Errors: those of writing the region.
  Result<void> copy(Pfn first, std::span<const PageClass, kChunkPfns> classes,
                    std::span<const bool, kChunkPfns> selected);

 private:
  Result<bool> copy_run(Pfn first, Pfn end, const PageClass* classes);
  Result<bool> add_page(Pfn pfn, PageClass page_class, const std::byte* page);
  const std::byte* edge_page(Pfn pfn);

  const MemoryRanges& ranges_;
  PhysicalMemory& memory_;
  PageFrames& frames_;
  Pulse& pulse_;
  Pfn pfns_since_beat_ = 0;
  alignas(8) std::byte edge_[kPageSize];
};

}  // namespace warmdump
