// Decodes the frames of a dump on all processors, for outputs that can place pages in any order.

#pragma once

#include <cstddef>
#include <functional>
#include <span>

#include "common/hosted/failure.h"
#include "recover/output/page_placement.h"
#include "recover/progress.h"

namespace warmdump {

// Takes the number of a frame (PagePlacement::runs_of_frame), its data runs and the bytes of its data pages:
// page n of a run lies at (run.position + n) * kPageSize of `data`.
using FrameTask = std::function<Outcome<void>(std::size_t frame, std::span<const PlacedRun> runs,
                                              std::span<const std::byte> data)>;

struct FrameJob {
  std::function<FrameTask()> make_task;  // each task is for one thread alone
  std::function<void()> abandon;         // a frame failed: tasks that wait for it must end; may be empty
};

// As many as there are processors when `thread_count` is 0.
unsigned frame_thread_count(unsigned thread_count);

// Runs every frame through one of `thread_count` tasks; threads take them in the order of their numbers.
// Memory: one frame a thread, plus what tasks hold. Ends at the first failure and returns it.
Outcome<void> process_frames(const DumpReader& dump, const PagePlacement& placement, unsigned thread_count,
                             const FrameJob& job, const ProgressFunction& progress);

}  // namespace warmdump
