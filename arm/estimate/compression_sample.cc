#include "arm/estimate/compression_sample.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <memory>
#include <random>
#include <vector>

#include "capture/writer/frame_encoder.h"
#include "common/kernel/page_classifier.h"
#include "common/page_bytes.h"

namespace warmdump {
namespace {

using namespace dump_format;

// Ranks of the pages to read, among the pages of one class in the order of their pfns.
struct Stretch {
  PageCount first;
  PageCount end;
};

std::vector<Stretch> choose_stretches(PageCount pages, std::mt19937_64& random) {
  std::vector<Stretch> stretches;
  if (pages <= kFramesSampled * kPagesPerFrame) {
    for (PageCount first = 0; first < pages; first += kPagesPerFrame) {
      stretches.push_back({first, std::min<PageCount>(pages, first + kPagesPerFrame)});
    }
    return stretches;
  }
  for (std::size_t part = 0; part < kFramesSampled; ++part) {
    const PageCount first = pages * part / kFramesSampled;
    const PageCount last = pages * (part + 1) / kFramesSampled - kPagesPerFrame;
    const PageCount chosen = std::uniform_int_distribution<PageCount>(first, last)(random);
    stretches.push_back({chosen, chosen + kPagesPerFrame});
  }
  return stretches;
}

class Sampler {
 public:
  Sampler(LiveMemory& memory, CompressionSample& sample)
      : memory_(memory),
        sample_(sample),
        encoder_(std::make_unique<FrameEncoder>()),
        target_(FrameEncoder::bound(kFrameRawSizeMax)) {
    payload_.reserve(kFrameRawSizeMax);
  }

  void add_frame(PageClass page_class, std::span<const Pfn> pfns) {
    ClassSample& sample = sample_.classes[static_cast<std::size_t>(page_class)];
    runs_.clear();
    pages_.clear();
    PageCount read = 0;
    for (const Pfn pfn : pfns) {
      std::byte page[kPageSize];
      if (!memory_.read_page(pfn, page)) {
        ++sample.unreadable;
        continue;
      }
      ++read;
      const bool zero = is_all_zero(page, kPageSize);
      add_to_run(pfn, zero ? RunContent::zero : RunContent::data);
      if (zero) {
        ++sample.zero_pages;
      } else {
        pages_.insert(pages_.end(), page, page + kPageSize);
      }
    }
    if (read == 0) return;
    PagesPrefix prefix{};
    prefix.run_count = static_cast<std::uint32_t>(runs_.size());
    payload_.clear();
    append(&prefix, sizeof prefix);
    append(runs_.data(), runs_.size() * sizeof(PageRun));
    append(pages_.data(), pages_.size());
    const ByteCount bytes = stored_size(payload_);
    ++sample.frames;
    sample.pages += read;
    sample.bytes += bytes;
    const double per_page = static_cast<double>(bytes) / static_cast<double>(read);
    sample.squares += per_page * per_page;
  }

  void add_class_map(const PfnRange& pfns, std::span<const PageClass> classes, unsigned dump_level) {
    ClassMapPrefix prefix{};
    prefix.first_pfn = pfns.first;
    prefix.pfn_count = static_cast<std::uint32_t>(classes.size());
    payload_.clear();
    append(&prefix, sizeof prefix);
    for (const PageClass page_class : classes) {
      const unsigned kept = is_kept(page_class, dump_level) ? kClassKept : 0U;
      payload_.push_back(static_cast<std::byte>(static_cast<unsigned>(page_class) | kept));
    }
    sample_.mapped_pages += classes.size();
    sample_.map_bytes += stored_size(payload_);
  }

 private:
  void append(const void* bytes, std::size_t size) {
    const auto* first = static_cast<const std::byte*>(bytes);
    payload_.insert(payload_.end(), first, first + size);
  }

  void add_to_run(Pfn pfn, RunContent content) {
    if (!runs_.empty()) {
      PageRun& last = runs_.back();
      if (last.content == static_cast<std::uint8_t>(content) && last.first_pfn + last.pfn_count == pfn) {
        last.pfn_count = last.pfn_count + 1;
        return;
      }
    }
    PageRun& run = runs_.emplace_back(PageRun{});
    run.first_pfn = pfn;
    run.pfn_count = 1;
    run.content = static_cast<std::uint8_t>(content);
  }

  ByteCount stored_size(std::span<const std::byte> payload) {
    return round_up(sizeof(FrameHeader) + encoder_->encode(payload, target_).size, kFrameAlignment);
  }

  LiveMemory& memory_;
  CompressionSample& sample_;
  std::unique_ptr<FrameEncoder> encoder_;
  std::vector<std::byte> target_;
  std::vector<std::byte> payload_;
  std::vector<std::byte> pages_;
  std::vector<PageRun> runs_;
};

// The stretches of one class, as the pages go by.
struct ClassWalk {
  std::vector<Stretch> stretches;
  std::size_t next = 0;   // stretch
  PageCount rank = 0;     // of the class's next page
  std::vector<Pfn> pfns;  // of the stretch under way

  bool wants_any_of(PageCount count) const {
    return next < stretches.size() && stretches[next].first < rank + count;
  }
};

}  // namespace

double ClassSample::bytes_per_page() const {
  return pages == 0 ? 0 : static_cast<double>(bytes) / static_cast<double>(pages);
}

double ClassSample::standard_error(PageCount all_pages) const {
  if (frames < 2 || pages >= all_pages) return 0;
  const auto count = static_cast<double>(frames);
  const double mean = bytes_per_page();
  const double variance = std::max(0.0, (squares - count * mean * mean) / (count - 1));
  const double unread = 1 - static_cast<double>(pages) / static_cast<double>(all_pages);
  return std::sqrt(unread * variance / count);
}

Outcome<CompressionSample> sample_compression(LiveMemory& memory, PageCensus& census, unsigned dump_level,
                                              std::uint64_t seed, const EstimateProgress& progress) {
  CompressionSample sample;
  Sampler sampler(memory, sample);
  std::mt19937_64 random(seed);
  std::array<ClassWalk, kPageClassCount> walks;
  for (std::size_t i = 0; i < walks.size(); ++i) {
    const auto page_class = static_cast<PageClass>(i);
    if (!memory.why_unreadable().empty() || !is_kept(page_class, dump_level)) continue;
    walks[i].stretches = choose_stretches(census.pages_read_of(page_class), random);
  }

  const std::size_t chunk_count = census.chunks().size();
  const std::size_t map_step = chunk_count / kFramesSampled + 1;
  std::vector<PageClass> buffer(PageCensus::kChunkPfns);
  for (std::size_t c = 0; c < chunk_count; ++c) {
    if (progress) progress("compressing a sample", c, chunk_count);
    const PageCensus::Chunk& chunk = census.chunks()[c];
    bool wanted = c % map_step == 0;
    for (std::size_t i = 0; i < walks.size(); ++i) wanted = wanted || walks[i].wants_any_of(chunk.counts[i]);
    if (wanted) {
      const auto classes = std::span(buffer).first(chunk.pfns.count());
      TRY(census.classify(memory, chunk.pfns, classes));
      if (c % map_step == 0) sampler.add_class_map(chunk.pfns, classes, dump_level);
      for (std::size_t p = 0; p < classes.size(); ++p) {
        ClassWalk& walk = walks[static_cast<std::size_t>(classes[p])];
        if (walk.next == walk.stretches.size()) continue;
        const Stretch& stretch = walk.stretches[walk.next];
        if (walk.rank >= stretch.first) walk.pfns.push_back(chunk.pfns.first + p);
        ++walk.rank;
        if (walk.rank >= stretch.end) {
          sampler.add_frame(classes[p], walk.pfns);
          walk.pfns.clear();
          ++walk.next;
        }
      }
    } else {
      for (std::size_t i = 0; i < walks.size(); ++i) walks[i].rank += chunk.counts[i];
    }
  }
  for (std::size_t i = 0; i < walks.size(); ++i) {
    if (!walks[i].pfns.empty()) sampler.add_frame(static_cast<PageClass>(i), walks[i].pfns);
  }
  if (progress) progress("compressing a sample", chunk_count, chunk_count);
  return sample;
}

}  // namespace warmdump
