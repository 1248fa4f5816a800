#include "arm/estimate/page_census.h"

#include <algorithm>
#include <cmath>
#include <random>

namespace warmdump {
namespace {

std::vector<PfnRange> split_into_chunks(const std::vector<PfnRange>& ram) {
  std::vector<PfnRange> chunks;
  for (const PfnRange& range : ram) {
    for (Pfn first = range.first; first < range.end;) {
      const Pfn end = std::min(range.end, round_down(first, PageCensus::kChunkPfns) + PageCensus::kChunkPfns);
      chunks.push_back({first, end});
      first = end;
    }
  }
  return chunks;
}

std::vector<PfnRange> choose(const std::vector<PfnRange>& all, std::size_t count, std::uint64_t seed) {
  if (all.size() <= count) return all;
  std::mt19937_64 random(seed);
  std::vector<PfnRange> chosen;
  for (std::size_t part = 0; part < count; ++part) {
    const std::size_t first = all.size() * part / count;
    const std::size_t last = all.size() * (part + 1) / count - 1;
    chosen.push_back(all[std::uniform_int_distribution<std::size_t>(first, last)(random)]);
  }
  return chosen;
}

}  // namespace

Outcome<void> PageCensus::classify(LiveMemory& memory, const PfnRange& pfns, std::span<PageClass> classes) {
  flags_.resize(pfns.count());
  TRY(memory.page_flags(pfns.first, flags_));
  classify_flags(flags_, classes);
  for (const PfnRange& image : captured_.kernel_image) {
    for (Pfn pfn = std::max(image.first, pfns.first); pfn < std::min(image.end, pfns.end); ++pfn) {
      PageClass& page_class = classes[pfn - pfns.first];
      if (page_class != PageClass::hwpoison) page_class = PageClass::kernel_image;
    }
  }
  return {};
}

Outcome<PageCensus> PageCensus::take(LiveMemory& memory, CapturedMemory captured, std::uint64_t seed,
                                     const EstimateProgress& progress) {
  PageCensus census;
  census.captured_ = std::move(captured);
  const std::vector<PfnRange> all = split_into_chunks(census.captured_.ram);
  for (const PfnRange& range : census.captured_.ram) census.pages_ += range.count();
  census.chunks_in_all_ = all.size();
  const std::vector<PfnRange> chosen = choose(all, kChunksRead, seed);
  census.chunks_.reserve(chosen.size());
  std::vector<PageClass> classes(kChunkPfns);
  for (const PfnRange& pfns : chosen) {
    if (progress) progress("looking at pages", census.chunks_.size(), chosen.size());
    TRY(census.classify(memory, pfns, std::span(classes).first(pfns.count())));
    Chunk& chunk = census.chunks_.emplace_back(Chunk{pfns, {}});
    for (Pfn i = 0; i < pfns.count(); ++i) ++chunk.counts[static_cast<std::size_t>(classes[i])];
    for (std::size_t i = 0; i < chunk.counts.size(); ++i) census.read_[i] += chunk.counts[i];
    census.pages_read_ += pfns.count();
  }
  if (progress) progress("looking at pages", chosen.size(), chosen.size());
  return census;
}

PageCount PageCensus::pages_of(PageClass page_class) const {
  const PageCount read = pages_read_of(page_class);
  if (!is_sampled()) return read;
  return static_cast<PageCount>(static_cast<double>(read) * static_cast<double>(pages_) /
                                static_cast<double>(pages_read_));
}

double PageCensus::standard_error_of(PageClass page_class) const {
  if (!is_sampled() || chunks_.size() < 2) return 0;
  const auto index = static_cast<std::size_t>(page_class);
  const double share = static_cast<double>(read_[index]) / static_cast<double>(pages_read_);
  double squares = 0;
  for (const Chunk& chunk : chunks_) {
    const double away = chunk.counts[index] - share * static_cast<double>(chunk.pfns.count());
    squares += away * away;
  }
  const auto read = static_cast<double>(chunks_.size());
  const auto all = static_cast<double>(chunks_in_all_);
  return all * std::sqrt((1 - read / all) * squares / (read - 1) / read);
}

}  // namespace warmdump
