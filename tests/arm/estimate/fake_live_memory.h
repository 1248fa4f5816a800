// A system's memory made of ranges, each with its flags and with pages of one kind.

#pragma once

#include <cstring>
#include <random>
#include <utility>
#include <vector>

#include "arm/estimate/live_memory.h"
#include "arm/estimate/page_flags.h"

namespace warmdump {

class FakeLiveMemory final : public LiveMemory {
 public:
  enum class Content { zero, equal, random, unreadable };

  // The later one wins.
  void add(const PfnRange& pfns, std::uint64_t flags, Content content) {
    ranges_.push_back({pfns, flags, content});
  }

  Outcome<void> page_flags(Pfn first, std::span<std::uint64_t> flags) override {
    flags_read += flags.size();
    std::fill(flags.begin(), flags.end(), flag_bit(PageFlag::no_page));
    for (const Range& range : ranges_) {
      const Pfn end = std::min(range.pfns.end, first + flags.size());
      for (Pfn pfn = std::max(range.pfns.first, first); pfn < end; ++pfn) flags[pfn - first] = range.flags;
    }
    return {};
  }

  const std::string& why_unreadable() const override { return why; }

  bool read_page(Pfn pfn, std::span<std::byte, kPageSize> target) override {
    ++pages_read;
    const Range* found = nullptr;
    for (const Range& range : ranges_) {
      if (pfn >= range.pfns.first && pfn < range.pfns.end) found = &range;
    }
    if (found == nullptr || found->content == Content::unreadable) return false;
    std::memset(target.data(), found->content == Content::equal ? 'x' : 0, target.size());
    if (found->content == Content::random) {
      std::mt19937_64 random(pfn);
      for (std::size_t i = 0; i < target.size(); i += sizeof(std::uint64_t)) {
        const std::uint64_t word = random();
        std::memcpy(target.data() + i, &word, sizeof word);
      }
    }
    return true;
  }

  std::string why;
  PageCount flags_read = 0;
  PageCount pages_read = 0;

 private:
  struct Range {
    PfnRange pfns;
    std::uint64_t flags;
    Content content;
  };
  std::vector<Range> ranges_;
};

}  // namespace warmdump
