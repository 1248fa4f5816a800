// PagePhases: the phases of the capture that store pages, in their order. No heap.
//
// What a phase stores is pages/page_selection.h's business, what is done when the region may be too small
// pages/capture_plan.h's.

#pragma once

#include "capture/capture_request.h"
#include "capture/crashed_machine/crashed_kernel.h"
#include "capture/pages/capture_plan.h"
#include "capture/pages/page_copier.h"
#include "capture/pages/page_selection.h"
#include "capture/pages/page_survey.h"
#include "capture/pages/priority_locator.h"
#include "capture/pages/priority_pages.h"
#include "capture/writer/page_frames.h"
#include "common/result.h"

namespace warmdump {

// Hears where the capture is.
class PhaseObserver {
 public:
  // Before the first page of a phase.
  virtual Result<void> enter(dump_format::Phase phase) = 0;
  // Everything of the current phase below `end` is on its way to the region.
  virtual Result<void> advance_to(Pfn end) = 0;

 protected:
  ~PhaseObserver() = default;
};

class PagePhases {
 public:
  using Phase = dump_format::Phase;

  // All must outlive this object. Large: keep it in static storage.
  PagePhases(const FileDevice& vmcore, const VmcoreElf& elf, CrashedKernel& kernel, VmcoreMemory& memory,
             const CaptureRequest& request, DumpWriter& writer, Pulse& pulse, PhaseObserver& observer)
      : dump_level_(request.dump_level),
        writer_(writer),
        pulse_(pulse),
        observer_(observer),
        frames_(writer),
        survey_(elf, kernel, memory, request.region, pulse),
        locator_(vmcore, elf, kernel, request.hints, priority_),
        selection_(survey_, priority_, request.dump_level),
        copier_(elf.memory, memory, frames_, pulse) {}

  // In this order. Each stores what still fits, and ends early when the deadline passes.
  Result<void> write_priority_pages();
  Result<void> write_kernel_pages();
  Result<void> write_user_pages();

  // The same frames again.
  Result<void> write_class_map(std::uint64_t chunk);
  Result<void> write_pages_again(Phase phase, Pfn first, Pfn last);

  // Ends the frame under construction; following ones belong to `phase`.
  Result<void> begin_phase(Phase phase);

  const PageSelection& selection() const { return selection_; }
  const PageTally& stored() const { return frames_.stored(); }
  bool is_surveyed() const { return is_surveyed_; }  // the number of pages to store is known

 private:
  Result<void> write_pages(Phase phase, std::uint64_t from_chunk = 0);
  Result<void> write_selected(std::uint64_t chunk, const PageSelection::Selected& selected);
  Result<void> write_class_maps();
  Result<void> write_group(const BulkGroup& group);
  bool fits(const BulkGroup& group) const;
  PageCount pages_left(PageClass page_class) const;
  PageCount pages_left(const BulkGroup& group) const;

  unsigned dump_level_;
  DumpWriter& writer_;
  Pulse& pulse_;
  PhaseObserver& observer_;
  PageFrames frames_;
  PageSurvey survey_;
  PriorityPages priority_;
  PriorityLocator locator_;
  PageSelection selection_;
  PageCopier copier_;
  bool is_surveyed_ = false;
  struct {
    PageCount pages = 0;
    ByteCount bytes = 0;
  } group_start_;  // what was stored before the current group of the bulk
};

}  // namespace warmdump
