#include "recover/output/frame_workers.h"

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

namespace warmdump {
namespace {

class FrameWorkers {
 public:
  FrameWorkers(const DumpReader& dump, const PagePlacement& placement, const FrameJob& job,
               const ProgressFunction& progress)
      : dump_(dump), placement_(placement), job_(job), progress_(progress) {}

  void work() {
    try {
      auto result = work_through_frames(job_.make_task());
      if (!result) fail(std::move(result.error()));
    } catch (const std::exception& error) {
      fail(Failure(ErrorCode::no_space, std::string("cannot convert: ") + error.what()));
    }
  }

  void fail(Failure failure) {
    {
      const std::lock_guard lock(mutex_);
      stop_ = true;
      if (!failure_) failure_ = std::move(failure);
    }
    if (job_.abandon) job_.abandon();
  }

  Outcome<void> result() {
    if (failure_) return std::move(*failure_);
    return {};
  }

 private:
  Outcome<void> work_through_frames(const FrameTask& task) {
    DumpReader::FrameBuffers buffers;
    while (!stop_) {
      const std::size_t index = next_frame_++;
      if (index >= placement_.frame_count()) break;
      const auto runs = placement_.runs_of_frame(index);
      TRY(task(index, runs, TRY(dump_.read_pages(runs.front().run.frame, buffers))));
      PageCount pages = 0;
      for (const PlacedRun& placed : runs) pages += placed.run.pfn_count;
      report(pages);
    }
    return {};
  }

  void report(PageCount pages) {
    const std::lock_guard lock(mutex_);
    done_ += pages;
    if (progress_) progress_(done_, placement_.data_page_count());
  }

  const DumpReader& dump_;
  const PagePlacement& placement_;
  const FrameJob& job_;
  const ProgressFunction& progress_;
  std::atomic<std::size_t> next_frame_ = 0;
  std::atomic<bool> stop_ = false;
  std::mutex mutex_;  // guards what follows
  PageCount done_ = 0;
  std::optional<Failure> failure_;
};

}  // namespace

unsigned frame_thread_count(unsigned thread_count) {
  return thread_count != 0 ? thread_count : std::max(1U, std::thread::hardware_concurrency());
}

Outcome<void> process_frames(const DumpReader& dump, const PagePlacement& placement, unsigned thread_count,
                             const FrameJob& job, const ProgressFunction& progress) {
  FrameWorkers workers(dump, placement, job, progress);
  std::vector<std::jthread> threads;
  try {
    for (unsigned index = 1; index < frame_thread_count(thread_count); ++index) {
      threads.emplace_back([&] { workers.work(); });
    }
  } catch (const std::system_error&) {
    // Fewer threads than wished for do the same work.
  }
  workers.work();
  threads.clear();
  return workers.result();
}

}  // namespace warmdump
