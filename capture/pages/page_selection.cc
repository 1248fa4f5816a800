#include "capture/pages/page_selection.h"

#include <algorithm>
#include <cstring>

#include "capture/pages/capture_plan.h"
#include "capture/pages/class_runs.h"

namespace warmdump {

using namespace dump_format;

namespace {

constexpr std::uint8_t kNoPhase = 0x7f;
constexpr std::uint8_t kAlways = 0x80;
static_assert(kPhaseCount < kNoPhase && kPageClassCount <= 16);

// Everything but what is never read.
constexpr unsigned kDumpLevelAll = 0;

}  // namespace

std::size_t PageSelection::summary_index(std::uint64_t chunk) const {
  // Beyond 2 TiB several chunks share a summary: some are looked at in vain.
  return chunk % kSummariesMax;
}

bool PageSelection::has_work(Phase phase, std::uint64_t chunk) const {
  if (!is_bulk(phase)) return priority_.has(phase, chunk);
  const unsigned summary = summaries_[summary_index(chunk)];
  for (std::size_t i = 0; i < kPageClassCount; ++i) {
    if ((summary >> i & 1) != 0 && stores_class(phase, static_cast<PageClass>(i))) return true;
  }
  return false;
}

void PageSelection::mark(std::uint64_t chunk) {
  if (chunk == marked_chunk_) return;
  marked_chunk_ = chunk;
  std::memset(marks_, kNoPhase, sizeof(marks_));
  for (const PriorityPages::Range& range : priority_.in_chunk(chunk)) {
    const std::uint8_t always = range.rule == PriorityPages::Rule::always ? kAlways : 0;
    std::uint8_t* const first = marks_ + range.first % kChunkPfns;
    for (std::uint8_t* mark = first; mark != first + range.count; ++mark) {
      const int phase = std::min<int>(*mark & kNoPhase, range.phase);
      *mark = static_cast<std::uint8_t>(phase | always | (*mark & kAlways));
    }
  }
}

bool PageSelection::is_kept_at(Pfn index, PageClass page_class) const {
  if ((marks_[index] & kAlways) != 0) return is_kept(page_class, kDumpLevelAll);
  return is_kept(page_class, dump_level_);
}

PageSelection::Selected PageSelection::select(Phase phase, std::uint64_t chunk) {
  const auto ranges = priority_.in_chunk(chunk);
  const auto number = static_cast<std::uint8_t>(phase);
  unsigned blocks = 0;
  if (is_bulk(phase)) {
    blocks = PageSurvey::kAllBlocks;
  } else {
    for (const PriorityPages::Range& range : ranges) {
      if (range.phase != number) continue;
      const Pfn first = range.first % kChunkPfns / PageClassifier::kBlockPfns;
      const Pfn last = (range.first % kChunkPfns + range.count - 1) / PageClassifier::kBlockPfns;
      for (Pfn block = first; block <= last; ++block) blocks |= 1U << block;
    }
  }
  if (phase == Phase::used_struct_pages || phase == Phase::other_struct_pages) find_used_struct_pages(chunk);
  const auto classes = survey_.classify(chunk, blocks);

  for (std::size_t from = 0; from < kChunkPfns;) {
    const std::size_t to = run_end(std::span<const PageClass>(classes), from);
    std::fill(selected_ + from, selected_ + to,
              stores_class(phase, classes[from]) && is_kept(classes[from], dump_level_));
    from = to;
  }
  if (phase == Phase::used_struct_pages || phase == Phase::other_struct_pages) {
    const bool wanted = phase == Phase::used_struct_pages;
    for (Pfn i = 0; i < kChunkPfns; ++i) selected_[i] = selected_[i] && is_used_[i] == wanted;
  }
  if (!ranges.empty()) mark(chunk);
  for (const PriorityPages::Range& range : ranges) {
    const Pfn first = range.first % kChunkPfns;
    for (Pfn i = first; i < first + range.count; ++i) {
      selected_[i] = (marks_[i] & kNoPhase) == number && is_kept_at(i, classes[i]);
    }
  }
  return {classes, selected_};
}

void PageSelection::find_used_struct_pages(std::uint64_t chunk) {
  const Pfn first = chunk * kChunkPfns;
  // What cannot be told is taken for used.
  std::memset(is_used_, 1, sizeof(is_used_));
  for (const PageSurvey::MapPiece& piece : survey_.map_pieces()) {
    const Pfn end = std::min(piece.end, first + kChunkPfns);
    for (Pfn pfn = std::max(piece.first, first); pfn < end; ++pfn) {
      const PfnRange described = survey_.described_by(piece, pfn);
      bool used = false;
      for (Pfn other = described.first; other < described.end && !used; ++other) {
        const auto classes = survey_.classify(chunk_of(other));
        mark(chunk_of(other));
        used = is_kept_at(other % kChunkPfns, classes[other % kChunkPfns]);
      }
      is_used_[pfn - first] = used;
    }
  }
}

void PageSelection::restrict_to(std::uint64_t chunk, Pfn from, Pfn to) {
  const Pfn first = chunk * kChunkPfns;
  for (Pfn i = 0; i < kChunkPfns; ++i) {
    if (first + i < from || first + i >= to) selected_[i] = false;
  }
}

std::span<const std::byte> PageSelection::class_map(std::uint64_t chunk) {
  const auto classes = survey_.classify(chunk);
  ClassMapPrefix prefix{};
  prefix.first_pfn = chunk * kChunkPfns;
  prefix.pfn_count = static_cast<std::uint32_t>(kChunkPfns);
  std::memcpy(class_map_, &prefix, sizeof(prefix));
  std::byte* const bytes = class_map_ + sizeof(prefix);
  unsigned summary = summaries_[summary_index(chunk)];
  for (std::size_t from = 0; from < kChunkPfns;) {
    const std::size_t to = run_end(std::span<const PageClass>(classes), from);
    const auto index = static_cast<unsigned>(classes[from]);
    const bool kept = is_kept(classes[from], dump_level_);
    std::fill(bytes + from, bytes + to, static_cast<std::byte>(index | (kept ? kClassKept : 0U)));
    if (kept) summary |= 1U << index;
    from = to;
  }
  summaries_[summary_index(chunk)] = static_cast<std::uint16_t>(summary);
  for (const PriorityPages::Range& range : priority_.in_chunk(chunk)) {
    if (range.rule != PriorityPages::Rule::always) continue;
    const Pfn first = range.first % kChunkPfns;
    for (Pfn i = first; i < first + range.count; ++i) {
      if (is_kept(classes[i], kDumpLevelAll)) bytes[i] |= std::byte{kClassKept};
    }
  }
  return class_map_;
}

void PageSelection::count_pages() {
  const std::span<const std::byte> map(class_map_ + sizeof(ClassMapPrefix), kChunkPfns);
  for (std::size_t from = 0; from < kChunkPfns;) {
    const std::size_t to = run_end(map, from);
    const auto index = std::to_integer<std::size_t>(map[from] & std::byte{kClassMask});
    pages_[index] += to - from;
    if ((map[from] & std::byte{kClassKept}) != std::byte{0}) kept_[index] += to - from;
    from = to;
  }
}

}  // namespace warmdump
