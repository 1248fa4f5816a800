#include "capture/pages/page_survey.h"

#include <algorithm>

namespace warmdump {
namespace {

constexpr std::uint64_t kNodesMax = 1024;

Pfn first_pfn_of(const MemoryRange& range) {
  return range.start / kPageSize;
}
Pfn end_pfn_of(const MemoryRange& range) {
  return round_up(range.end, kPageSize) / kPageSize;
}

}  // namespace

PageSurvey::PageSurvey(const VmcoreElf& elf, CrashedKernel& kernel, PhysicalMemory& memory, PfnRange region)
    : elf_(elf), kernel_(kernel), region_(region) {
  if (kernel.layout) classifier_.emplace(*kernel.layout, *kernel.mem_map, *kernel.page_tables, memory);
  for (std::size_t i = 0; i < elf.kernel_image_count; ++i) {
    kernel_image_.add(first_pfn_of(elf.kernel_image[i]), end_pfn_of(elf.kernel_image[i]));
  }
}

void PageSurvey::add_vital(VirtualAddress address, ByteCount length) {
  for (ByteCount done = 0; done < length;) {
    const auto mapping = kernel_.page_tables->translate(address + done);
    if (!mapping.has_value()) return;
    const ByteCount step = std::min(mapping->length, length - done);
    vital_.add(mapping->address / kPageSize, (mapping->address + step - 1) / kPageSize + 1);
    done += step;
  }
}

void PageSurvey::locate_nodes() {
  const auto nodes = kernel_.info.symbol("node_data");
  const auto count = kernel_.info.length("node_data");
  const auto size = kernel_.info.size("pglist_data");
  if (!nodes || !count || !size) return;
  for (std::uint64_t node = 0; node < std::min(*count, kNodesMax); ++node) {
    VirtualAddress address = 0;
    const auto slot = std::as_writable_bytes(std::span(&address, 1));
    if (!kernel_.page_tables->read(*nodes + node * sizeof(address), slot).has_value()) return;
    if (address != 0) add_vital(address, std::min<ByteCount>(*size, kMiB));
  }
}

void PageSurvey::locate_struct_pages() {
  const ByteCount length = PageClassifier::kBlockPfns * kernel_.layout->size;
  for (auto chunk = next_chunk(0); chunk; chunk = next_chunk(*chunk + 1)) {
    for (Pfn pfn = *chunk * kChunkPfns; pfn < (*chunk + 1) * kChunkPfns; pfn += PageClassifier::kBlockPfns) {
      const auto address = kernel_.mem_map->page_address(pfn);
      if (!address.has_value()) continue;
      for (ByteCount done = 0; done < length;) {
        const auto mapping = kernel_.page_tables->translate(*address + done);
        const ByteCount step = mapping.has_value() ? std::min(mapping->length, length - done)
                                                   : std::min(kPageSize, length - done);
        if (mapping.has_value()) {
          struct_pages_.add(mapping->address / kPageSize, (mapping->address + step - 1) / kPageSize + 1);
        }
        done += step;
      }
    }
  }
}

void PageSurvey::locate_tables() {
  for (std::size_t i = 0; i < elf_.kernel_image_count; ++i) {
    vital_.add(first_pfn_of(elf_.kernel_image[i]), end_pfn_of(elf_.kernel_image[i]));
  }
  // A table address from a corrupt entry may be anything: only real memory counts.
  kernel_.page_tables->for_each_upper_table(
      [this](Pfn pfn) { return elf_.memory.find(pfn * kPageSize) == nullptr || vital_.add(pfn, pfn + 1); });
  locate_nodes();
  if (!kernel_.mem_map) return;
  kernel_.mem_map->for_each_table(
      [this](VirtualAddress address, ByteCount length) { add_vital(address, length); });
  locate_struct_pages();
}

std::optional<std::uint64_t> PageSurvey::next_chunk(std::uint64_t chunk) const {
  const std::size_t index = elf_.memory.first_ending_after(chunk * kChunkPfns * kPageSize);
  if (index == elf_.memory.count()) return {};
  return std::max(chunk, first_pfn_of(elf_.memory[index]) / kChunkPfns);
}

void PageSurvey::overlay_holes(Pfn first) {
  const Pfn end = first + kChunkPfns;
  Pfn hole = first;
  for (std::size_t i = elf_.memory.first_ending_after(first * kPageSize); hole < end; ++i) {
    const bool is_last = i == elf_.memory.count();
    const Pfn hole_end = is_last ? end : std::min(end, first_pfn_of(elf_.memory[i]));
    if (hole < hole_end)
      std::fill(classes_ + (hole - first), classes_ + (hole_end - first), PageClass::absent);
    if (is_last || first_pfn_of(elf_.memory[i]) >= end) return;
    hole = std::max(hole, end_pfn_of(elf_.memory[i]));
  }
}

void PageSurvey::overlay(Pfn first) {
  const auto set = [this, first](PageClass page_class) {
    return [this, first, page_class](Pfn from, Pfn to) {
      for (Pfn pfn = from; pfn < to; ++pfn) {
        if (classes_[pfn - first] != PageClass::hwpoison) classes_[pfn - first] = page_class;
      }
    };
  };
  struct_pages_.for_each_in(first, first + kChunkPfns, set(PageClass::struct_page));
  kernel_image_.for_each_in(first, first + kChunkPfns, set(PageClass::kernel_image));
  overlay_holes(first);
  for (Pfn pfn = std::max(first, region_.first); pfn < std::min(first + kChunkPfns, region_.end); ++pfn) {
    classes_[pfn - first] = PageClass::region;
  }
}

std::span<const PageClass, kChunkPfns> PageSurvey::classify(std::uint64_t chunk) {
  if (chunk == classified_chunk_) return classes_;
  const Pfn first = chunk * kChunkPfns;
  if (classifier_) {
    for (Pfn block = 0; block < kChunkPfns; block += PageClassifier::kBlockPfns) {
      const auto classes = std::span(classes_).subspan(block).first<PageClassifier::kBlockPfns>();
      classifier_->classify(first + block, classes);
    }
  } else {
    std::fill(classes_, classes_ + kChunkPfns, PageClass::unknown);
  }
  overlay(first);
  classified_chunk_ = chunk;
  return classes_;
}

}  // namespace warmdump
