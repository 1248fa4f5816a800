#include "capture/writer/page_frames.h"

#include <cstring>

#include "common/page_bytes.h"

namespace warmdump {

using namespace dump_format;

void PageTally::add(const PageTally& other) {
  for (std::size_t i = 0; i < kPageClassCount; ++i) {
    data[i] += other.data[i];
    zero[i] += other.zero[i];
    unreadable[i] += other.unreadable[i];
  }
}

Result<bool> PageFrames::add_to_run(Pfn pfn, RunContent content) {
  if (run_count_ > 0) {
    PageRun& last = runs_[run_count_ - 1];
    if (last.content == static_cast<std::uint8_t>(content) && last.first_pfn + last.pfn_count == pfn) {
      last.pfn_count = last.pfn_count + 1;
      return true;
    }
  }
  const bool has_room = run_count_ < kRunsPerFrameMax || TRY(finish_frame());
  PageRun& run = runs_[run_count_++];
  run = PageRun{};
  run.first_pfn = pfn;
  run.pfn_count = 1;
  run.content = static_cast<std::uint8_t>(content);
  return has_room;
}

Result<std::span<std::byte>> PageFrames::room() {
  if (page_count_ == kPagesPerFrame && !TRY(finish_frame())) return std::span<std::byte>{};
  return std::span(payload_).subspan(kPrefixMax + page_count_ * kPageSize);
}

Result<bool> PageFrames::add_data(Pfn pfn, PageClass page_class, std::span<const std::byte, kPageSize> page) {
  const bool frame_has_room = page_count_ < kPagesPerFrame || TRY(finish_frame());
  const bool has_room = TRY(add_to_run(pfn, RunContent::data));
  std::byte* slot = payload_ + kPrefixMax + page_count_ * kPageSize;
  if (page.data() != slot) copy_pages(slot, page.data(), kPageSize);
  ++page_count_;
  ++pending_.data[static_cast<std::size_t>(page_class)];
  return frame_has_room && has_room;
}

Result<bool> PageFrames::add_zero(Pfn pfn, PageClass page_class) {
  const bool has_room = TRY(add_to_run(pfn, RunContent::zero));
  ++pending_.zero[static_cast<std::size_t>(page_class)];
  return has_room;
}

Result<bool> PageFrames::add_unreadable(Pfn pfn, PageClass page_class) {
  const bool has_room = TRY(add_to_run(pfn, RunContent::unreadable));
  ++pending_.unreadable[static_cast<std::size_t>(page_class)];
  return has_room;
}

Result<bool> PageFrames::finish_frame() {
  if (run_count_ == 0) return !writer_.is_full();
  const std::size_t runs_size = run_count_ * sizeof(PageRun);
  PagesPrefix prefix{};
  prefix.run_count = static_cast<std::uint32_t>(run_count_);
  std::byte* start = payload_ + kPrefixMax - runs_size - sizeof(prefix);
  std::memcpy(start, &prefix, sizeof(prefix));
  std::memcpy(start + sizeof(prefix), runs_, runs_size);

  const std::size_t size = sizeof(prefix) + runs_size + page_count_ * kPageSize;
  const bool stored = TRY(writer_.append(FrameType::pages, std::span(start, size)));
  if (stored) stored_.add(pending_);
  pending_ = PageTally{};
  run_count_ = 0;
  page_count_ = 0;
  return stored;
}

}  // namespace warmdump
