// Decodes the frames of a dump on all processors, for outputs that can place pages in any order.

#pragma once

#include <cstddef>
#include <functional>
#include <span>

#include "common/hosted/failure.h"
#include "recover/output/page_placement.h"
#include "recover/progress.h"

namespace warmdump {

// Takes the data runs of one frame and the bytes of that frame's data pages: page n of a run lies at
// (run.position + n) * kPageSize of `data`.
using FrameTask =
    std::function<Outcome<void>(std::span<const PlacedRun> runs, std::span<const std::byte> data)>;

// Runs every frame through one of `thread_count` tasks (0: as many as there are processors), each made by
// `make_task` for one thread alone. Memory: one frame a thread, plus what tasks hold. Ends at the first
// failure and returns it.
Outcome<void> process_frames(const DumpReader& dump, const PagePlacement& placement, unsigned thread_count,
                             const std::function<FrameTask()>& make_task, const ProgressFunction& progress);

}  // namespace warmdump
