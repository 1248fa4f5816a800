#include "capture/writer/page_frames.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "common/page_bytes.h"

namespace warmdump {

using namespace dump_format;

Result<bool> PageFrames::add_to_run(Pfn pfn, RunContent content) {
  if (slot_ == nullptr) slot_ = TRY(writer_.acquire());
  if (run_count_ > 0) {
    PageRun& last = runs_[run_count_ - 1];
    if (last.content == static_cast<std::uint8_t>(content) && last.first_pfn + last.pfn_count == pfn) {
      last.pfn_count = last.pfn_count + 1;
      return true;
    }
  }
  const bool has_room = run_count_ < kRunsPerFrameMax || TRY(finish_frame());
  if (slot_ == nullptr) slot_ = TRY(writer_.acquire());
  PageRun& run = runs_[run_count_++];
  run = PageRun{};
  run.first_pfn = pfn;
  run.pfn_count = 1;
  run.content = static_cast<std::uint8_t>(content);
  return has_room;
}

Result<std::span<std::byte>> PageFrames::room() {
  const bool is_full = page_count_ == kPagesPerFrame || run_count_ == kRunsPerFrameMax;
  if (is_full && !TRY(finish_frame())) return std::span<std::byte>{};
  if (slot_ == nullptr) slot_ = TRY(writer_.acquire());
  // Each page may begin a run: as many as fit in any case.
  const std::size_t pages = std::min(kPagesPerFrame - page_count_, kRunsPerFrameMax - run_count_);
  return std::span(slot_->raw).subspan(kPrefixMax + page_count_ * kPageSize, pages * kPageSize);
}

Result<bool> PageFrames::add_data(Pfn pfn, PageClass page_class, std::span<const std::byte, kPageSize> page) {
  const bool frame_has_room = page_count_ < kPagesPerFrame || TRY(finish_frame());
  const bool has_room = TRY(add_to_run(pfn, RunContent::data));
  std::byte* target = slot_->raw + kPrefixMax + page_count_ * kPageSize;
  if (page.data() != target) copy_pages(target, page.data(), kPageSize);
  ++page_count_;
  ++slot_->pages.data[static_cast<std::size_t>(page_class)];
  return frame_has_room && has_room;
}

Result<bool> PageFrames::add_zero(Pfn pfn, PageClass page_class) {
  const bool has_room = TRY(add_to_run(pfn, RunContent::zero));
  ++slot_->pages.zero[static_cast<std::size_t>(page_class)];
  return has_room;
}

Result<bool> PageFrames::add_unreadable(Pfn pfn, PageClass page_class) {
  const bool has_room = TRY(add_to_run(pfn, RunContent::unreadable));
  ++slot_->pages.unreadable[static_cast<std::size_t>(page_class)];
  return has_room;
}

Result<bool> PageFrames::begin_phase(Phase phase) {
  const bool has_room = TRY(finish_frame());
  phase_ = phase;
  return has_room;
}

Result<bool> PageFrames::finish_frame() {
  if (run_count_ == 0) {
    if (slot_ != nullptr) writer_.release(*std::exchange(slot_, nullptr));
    return !writer_.is_full();
  }
  const std::size_t runs_size = run_count_ * sizeof(PageRun);
  PagesPrefix prefix{};
  prefix.run_count = static_cast<std::uint32_t>(run_count_);
  prefix.phase = static_cast<std::uint32_t>(phase_);
  std::byte* start = slot_->raw + kPrefixMax - runs_size - sizeof(prefix);
  std::memcpy(start, &prefix, sizeof(prefix));
  std::memcpy(start + sizeof(prefix), runs_, runs_size);

  const PageRun& last = runs_[run_count_ - 1];
  slot_->payload = std::span(start, sizeof(prefix) + runs_size + page_count_ * kPageSize);
  slot_->origin = {.first = runs_[0].first_pfn,
                   .last = last.first_pfn + last.pfn_count - 1,
                   .type = FrameType::pages,
                   .detail = static_cast<std::uint16_t>(phase_)};
  FrameSlot& finished = *std::exchange(slot_, nullptr);
  run_count_ = 0;
  page_count_ = 0;
  TRY(writer_.submit(finished));
  return !writer_.is_full();
}

}  // namespace warmdump
