#include "capture/page_phases.h"

#include <algorithm>

#include "capture/capture_account.h"

namespace warmdump {

using namespace dump_format;

namespace {

constexpr Phase kPhasesBeforeSurvey[] = {Phase::kernel_tables, Phase::stacks, Phase::kernel_data,
                                         Phase::per_cpu, Phase::modules};
constexpr Phase kPhasesBeforeBulk[] = {Phase::kernel_constants, Phase::kernel_text, Phase::kernel_rest,
                                       Phase::vmalloc};
constexpr PageCount kGroupSampleMin = 8192;

}  // namespace

Result<void> PagePhases::write_priority_pages() {
  if (is_kept(PageClass::free, dump_level_)) survey_.look_into_free_blocks();
  survey_.locate_struct_pages();
  locator_.locate();
  for (const Phase phase : kPhasesBeforeSurvey) TRY(write_pages(phase));
  TRY(write_class_maps());
  for (const Phase phase : kPhasesBeforeBulk) TRY(write_pages(phase));
  return {};
}

Result<void> PagePhases::write_kernel_pages() {
  TRY(write_group(kKernelPages));
  return write_group(kStructPages);
}

Result<void> PagePhases::write_user_pages() {
  return write_group(kUserPages);
}

Result<void> PagePhases::begin_phase(Phase phase) {
  TRY(frames_.begin_phase(phase));
  return {};
}

Result<void> PagePhases::write_class_map(std::uint64_t chunk) {
  const Pfn first = chunk * kChunkPfns;
  TRY(writer_.append({.first = first, .last = first + kChunkPfns - 1, .type = FrameType::class_map},
                     selection_.class_map(chunk)));
  return {};
}

Result<void> PagePhases::write_class_maps() {
  if (pulse_.is_over()) return {};
  TRY(observer_.enter(Phase::survey));
  // To the end even when nothing fits any more: the end frame counts every page.
  for (auto chunk = survey_.next_chunk(0); chunk && pulse_.beat(); chunk = survey_.next_chunk(*chunk + 1)) {
    TRY(write_class_map(*chunk));
    selection_.count_pages();
    TRY(observer_.advance_to((*chunk + 1) * kChunkPfns));
  }
  is_surveyed_ = !pulse_.is_over();
  return {};
}

Result<void> PagePhases::write_selected(std::uint64_t chunk, const PageSelection::Selected& selected) {
  TRY(copier_.copy(chunk * kChunkPfns, selected.classes, selected.pages));
  return observer_.advance_to((chunk + 1) * kChunkPfns);
}

Result<void> PagePhases::write_pages(Phase phase, std::uint64_t from_chunk) {
  if (writer_.is_full() || pulse_.is_over()) return {};
  TRY(observer_.enter(phase));
  for (auto chunk = survey_.next_chunk(from_chunk); chunk && pulse_.beat();
       chunk = survey_.next_chunk(*chunk + 1)) {
    if (writer_.is_full()) break;
    if (!selection_.has_work(phase, *chunk)) continue;
    TRY(write_selected(*chunk, selection_.select(phase, *chunk)));
  }
  TRY(frames_.finish_frame());
  return {};
}

Result<void> PagePhases::write_group(const BulkGroup& group) {
  if (pages_left(group) == 0 || pulse_.is_over()) return {};
  group_start_ = {stored_pages(frames_.stored()), writer_.bytes_stored()};
  auto chunk = survey_.next_chunk(0);
  if (fits(group)) {
    TRY(observer_.enter(group.whole));
    for (; chunk && pulse_.beat(); chunk = survey_.next_chunk(*chunk + 1)) {
      if (!selection_.has_work(group.whole, *chunk)) continue;
      const auto selected = selection_.select(group.whole, *chunk);
      const auto pages = std::count(selected.pages.begin(), selected.pages.end(), true);
      const ByteCount most = size_max(static_cast<PageCount>(pages), 2 * writer_.threads());
      if (!fits(group) || most > writer_.space_left()) break;
      TRY(write_selected(*chunk, selected));
    }
    TRY(frames_.finish_frame());
  }
  if (!chunk || pulse_.is_over()) return {};
  for (const Phase phase : group.by_class) TRY(write_pages(phase, *chunk));
  return {};
}

PageCount PagePhases::pages_left(PageClass page_class) const {
  const auto index = static_cast<std::size_t>(page_class);
  const PageTally& stored = frames_.stored();
  const PageCount done = stored.data[index] + stored.zero[index] + stored.unreadable[index];
  return selection_.kept(index) > done ? selection_.kept(index) - done : 0;
}

PageCount PagePhases::pages_left(const BulkGroup& group) const {
  PageCount count = 0;
  for (std::size_t i = 0; i < kPageClassCount; ++i) {
    const auto page_class = static_cast<PageClass>(i);
    if (stores_class(group.whole, page_class)) count += pages_left(page_class);
  }
  return count;
}

bool PagePhases::fits(const BulkGroup& group) const {
  SpaceEstimate estimate;
  for (std::size_t i = 0; i < kPageClassCount; ++i) {
    estimate.pages_left[i] = pages_left(static_cast<PageClass>(i));
  }
  // Pages of the group itself say most about the rest of it.
  const PageCount pages = stored_pages(frames_.stored());
  const bool knows_group = pages >= group_start_.pages + kGroupSampleMin;
  estimate.pages_stored = knows_group ? pages - group_start_.pages : pages;
  estimate.bytes_stored = writer_.bytes_stored() - (knows_group ? group_start_.bytes : 0);
  estimate.space_left = writer_.space_left();
  return will_fit(estimate, group);
}

Result<void> PagePhases::write_pages_again(Phase phase, Pfn first, Pfn last) {
  TRY(frames_.begin_phase(phase));
  for (auto chunk = survey_.next_chunk(chunk_of(first)); chunk && *chunk <= chunk_of(last);
       chunk = survey_.next_chunk(*chunk + 1)) {
    if (!selection_.has_work(phase, *chunk)) continue;
    const auto selected = selection_.select(phase, *chunk);
    selection_.restrict_to(*chunk, first, last + 1);
    TRY(copier_.copy(*chunk * kChunkPfns, selected.classes, selected.pages));
  }
  TRY(frames_.finish_frame());
  return {};
}

}  // namespace warmdump
