#include "capture/pages/page_survey.h"

#include <algorithm>

namespace warmdump {
namespace {

static_assert(kChunkPfns % PageClassifier::kBlockPfns == 0 && kChunkPfns == PageClassifier::kRestartPfns);

Pfn first_pfn_of(const MemoryRange& range) {
  return range.start / kPageSize;
}
Pfn end_pfn_of(const MemoryRange& range) {
  return round_up(range.end, kPageSize) / kPageSize;
}

}  // namespace

PageSurvey::PageSurvey(const VmcoreElf& elf, CrashedKernel& kernel, PhysicalMemory& memory, PfnRange region,
                       Pulse& pulse)
    : elf_(elf), kernel_(kernel), region_(region), pulse_(pulse) {
  if (kernel.layout) classifier_.emplace(*kernel.layout, *kernel.mem_map, *kernel.page_tables, memory);
  for (std::size_t i = 0; i < elf.kernel_image_count; ++i) {
    kernel_image_.add(first_pfn_of(elf.kernel_image[i]), end_pfn_of(elf.kernel_image[i]));
  }
}

void PageSurvey::locate_struct_pages() {
  if (!kernel_.mem_map) return;
  const ByteCount length = PageClassifier::kBlockPfns * kernel_.layout->size;
  for (auto chunk = next_chunk(0); chunk && pulse_.beat(); chunk = next_chunk(*chunk + 1)) {
    for (Pfn pfn = *chunk * kChunkPfns; pfn < (*chunk + 1) * kChunkPfns; pfn += PageClassifier::kBlockPfns) {
      const auto address = kernel_.mem_map->page_address(pfn);
      if (!address.has_value()) continue;
      for (ByteCount done = 0; done < length;) {
        const auto mapping = kernel_.page_tables->translate(*address + done);
        const ByteCount step = mapping.has_value() ? std::min(mapping->length, length - done)
                                                   : std::min(kPageSize, length - done);
        if (mapping.has_value()) {
          const Pfn first = mapping->address / kPageSize;
          const Pfn end = (mapping->address + step - 1) / kPageSize + 1;
          struct_pages_.add(first, end);
          add_map_piece({first, end, pfn + done / kernel_.layout->size});
        }
        done += step;
      }
    }
  }
}

void PageSurvey::add_map_piece(const MapPiece& piece) {
  if (map_piece_count_ > 0) {
    MapPiece& last = map_pieces_[map_piece_count_ - 1];
    if (piece.first == last.end && described_by(last, piece.first).first == piece.described) {
      last.end = piece.end;
      return;
    }
  }
  if (map_piece_count_ < kMapPiecesMax) map_pieces_[map_piece_count_++] = piece;
}

PfnRange PageSurvey::described_by(const MapPiece& piece, Pfn pfn) const {
  const ByteCount size = kernel_.layout->size;
  const Pfn first = piece.described + (pfn - piece.first) * kPageSize / size;
  // Struct pages of odd sizes reach over the edges of a page.
  return {first, first + kPageSize / size + (kPageSize % size == 0 ? 0 : 2)};
}

std::optional<std::uint64_t> PageSurvey::next_chunk(std::uint64_t chunk) const {
  const std::size_t index = elf_.memory.first_ending_after(chunk * kChunkPfns * kPageSize);
  if (index == elf_.memory.count()) return {};
  return std::max(chunk, first_pfn_of(elf_.memory[index]) / kChunkPfns);
}

void PageSurvey::overlay_holes(Pfn first, Pfn end) {
  Pfn hole = first;
  for (std::size_t i = elf_.memory.first_ending_after(first * kPageSize); hole < end; ++i) {
    const bool is_last = i == elf_.memory.count();
    const Pfn hole_end = is_last ? end : std::min(end, first_pfn_of(elf_.memory[i]));
    for (Pfn pfn = hole; pfn < hole_end; ++pfn) class_at(pfn) = PageClass::absent;
    if (is_last || first_pfn_of(elf_.memory[i]) >= end) return;
    hole = std::max(hole, end_pfn_of(elf_.memory[i]));
  }
}

void PageSurvey::overlay(Pfn first, Pfn end) {
  const auto set = [this](PageClass page_class) {
    return [this, page_class](Pfn from, Pfn to) {
      for (Pfn pfn = from; pfn < to; ++pfn) {
        if (class_at(pfn) != PageClass::hwpoison) class_at(pfn) = page_class;
      }
    };
  };
  struct_pages_.for_each_in(first, end, set(PageClass::struct_page));
  kernel_image_.for_each_in(first, end, set(PageClass::kernel_image));
  overlay_holes(first, end);
  for (Pfn pfn = std::max(first, region_.first); pfn < std::min(end, region_.end); ++pfn) {
    class_at(pfn) = PageClass::region;
  }
}

void PageSurvey::classify_block(Pfn first) {
  const auto classes = std::span(classes_).subspan(first % kChunkPfns).first<PageClassifier::kBlockPfns>();
  if (classifier_) {
    classifier_->classify(first, classes);
  } else {
    std::fill(classes.begin(), classes.end(), PageClass::unknown);
  }
  overlay(first, first + PageClassifier::kBlockPfns);
}

std::span<const PageClass, kChunkPfns> PageSurvey::classify(std::uint64_t chunk, unsigned blocks) {
  if (chunk != classified_chunk_) {
    classified_chunk_ = chunk;
    classified_blocks_ = 0;
    std::fill(classes_, classes_ + kChunkPfns, PageClass::absent);
  }
  for (Pfn block = 0; block < kChunkPfns / PageClassifier::kBlockPfns; ++block) {
    if (((blocks & ~classified_blocks_) >> block & 1) == 0) continue;
    classify_block(chunk * kChunkPfns + block * PageClassifier::kBlockPfns);
  }
  classified_blocks_ |= blocks;
  return classes_;
}

}  // namespace warmdump
