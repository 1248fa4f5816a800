#include "recover/output/elf_output.h"

#include <elf.h>

#include <algorithm>
#include <cstring>
#include <vector>

#include "recover/output/core_notes.h"
#include "recover/output/frame_workers.h"
#include "recover/output/page_placement.h"

namespace warmdump {
namespace {

// Bit of e_flags by which makedumpfile marks an incomplete dump.
constexpr Elf64_Word kFlagIncomplete = 1;

// Pages with neighbouring pfns are neighbours in the file too: their ranks follow each other.
struct PresentRange {
  PfnRange pfns;
  PageCount rank;
};

std::vector<PresentRange> present_ranges(const PagePlacement& placement) {
  std::vector<PresentRange> ranges;
  for (const PlacedRun& placed : placement.runs()) {
    if (!ranges.empty() && ranges.back().pfns.end == placed.run.first_pfn) {
      ranges.back().pfns.end = placed.run.pfn_end();
    } else {
      ranges.push_back({{placed.run.first_pfn, placed.run.pfn_end()}, placed.rank});
    }
  }
  return ranges;
}

// Without program headers the virtual addresses are unknown: p_vaddr 0, as in headers of firmware dumps.
std::vector<Elf64_Phdr> source_segments(const DumpReader& dump) {
  if (!dump.segments().empty()) return dump.segments();
  std::vector<Elf64_Phdr> segments;
  for (const PfnRange& range : dump.memory()) {
    Elf64_Phdr segment{};
    segment.p_paddr = range.first * kPageSize;
    segment.p_memsz = range.count() * kPageSize;
    segments.push_back(segment);
  }
  return segments;
}

class ElfWriter {
 public:
  ElfWriter(const DumpReader& dump, const OutputOptions& options, OutputTarget& target)
      : dump_(dump), options_(options), target_(target), notes_(make_core_notes(dump)), placement_(dump) {
    cut_segments();
    note_offset_ = headers_size();
    pages_offset_ = round_up(note_offset_ + notes_.bytes.size(), kPageSize);
    for (Elf64_Phdr& segment : loads_) segment.p_offset += pages_offset_;
  }

  Outcome<OutputReport> write(const ProgressFunction& progress) {
    const ByteCount file_size = pages_offset_ + placement_.page_count() * kPageSize;
    TRY(target_.require_space(pages_offset_ + placement_.data_page_count() * kPageSize));
    TRY(target_.write_at(0, make_headers()));
    TRY(target_.write_at(note_offset_, std::as_bytes(std::span(notes_.bytes))));
    const ByteCount notes_end = note_offset_ + notes_.bytes.size();
    TRY(target_.write_zeros(notes_end, pages_offset_ - notes_end));
    TRY(write_zero_pages());
    TRY(process_frames(dump_, placement_, options_.thread_count, {[this] { return make_task(); }, {}},
                       progress));
    return OutputReport{placement_.page_count(), file_size};
  }

 private:
  void cut_segments() {
    const auto present = present_ranges(placement_);
    for (const Elf64_Phdr& source : source_segments(dump_)) {
      const PfnRange pfns{source.p_paddr / kPageSize,
                          round_up(source.p_paddr + source.p_memsz, kPageSize) / kPageSize};
      auto range = std::upper_bound(present.begin(), present.end(), pfns.first,
                                    [](Pfn pfn, const PresentRange& at) { return pfn < at.pfns.end; });
      for (; range != present.end() && range->pfns.first < pfns.end; ++range) {
        const Pfn first = std::max(range->pfns.first, pfns.first);
        const Pfn end = std::min(range->pfns.end, pfns.end);
        loads_.push_back(make_load(source, {first, end}, range->rank + (first - range->pfns.first)));
      }
    }
  }

  // p_offset counts from the first page until the size of the headers is known.
  static Elf64_Phdr make_load(const Elf64_Phdr& source, PfnRange pfns, PageCount rank) {
    Elf64_Phdr load{};
    load.p_type = PT_LOAD;
    load.p_flags = source.p_flags;
    load.p_offset = rank * kPageSize;
    load.p_paddr = pfns.first * kPageSize;
    load.p_vaddr = source.p_vaddr == 0 ? 0 : source.p_vaddr + (load.p_paddr - source.p_paddr);
    load.p_filesz = pfns.count() * kPageSize;
    load.p_memsz = load.p_filesz;
    return load;
  }

  std::size_t header_count() const { return loads_.size() + 1; }
  bool needs_section_header() const { return header_count() >= PN_XNUM; }

  ByteCount headers_size() const {
    return sizeof(Elf64_Ehdr) + header_count() * sizeof(Elf64_Phdr) +
           (needs_section_header() ? sizeof(Elf64_Shdr) : 0);
  }

  std::vector<std::byte> make_headers() const {
    std::vector<std::byte> bytes(headers_size());
    const Elf64_Ehdr file_header = make_file_header();
    Elf64_Phdr note{};
    note.p_type = PT_NOTE;
    note.p_offset = note_offset_;
    note.p_filesz = notes_.bytes.size();
    note.p_memsz = notes_.bytes.size();

    std::byte* at = bytes.data();
    const auto append = [&at](const void* source, std::size_t size) {
      std::memcpy(at, source, size);
      at += size;
    };
    append(&file_header, sizeof(file_header));
    append(&note, sizeof(note));
    if (!loads_.empty()) append(loads_.data(), loads_.size() * sizeof(Elf64_Phdr));
    if (needs_section_header()) {
      Elf64_Shdr section{};
      section.sh_info = static_cast<Elf64_Word>(header_count());
      append(&section, sizeof(section));
    }
    return bytes;
  }

  Elf64_Ehdr make_file_header() const {
    Elf64_Ehdr header{};
    std::memcpy(header.e_ident, ELFMAG, SELFMAG);
    header.e_ident[EI_CLASS] = ELFCLASS64;
    header.e_ident[EI_DATA] = ELFDATA2LSB;
    header.e_ident[EI_VERSION] = EV_CURRENT;
    header.e_type = ET_CORE;
    header.e_machine = EM_X86_64;
    header.e_version = EV_CURRENT;
    header.e_flags = options_.incomplete ? kFlagIncomplete : 0;
    header.e_ehsize = sizeof(Elf64_Ehdr);
    header.e_phoff = sizeof(Elf64_Ehdr);
    header.e_phentsize = sizeof(Elf64_Phdr);
    header.e_phnum = static_cast<Elf64_Half>(std::min<std::size_t>(header_count(), PN_XNUM));
    if (needs_section_header()) {
      header.e_shoff = headers_size() - sizeof(Elf64_Shdr);
      header.e_shentsize = sizeof(Elf64_Shdr);
      header.e_shnum = 1;
    }
    return header;
  }

  ByteCount offset_of(const PlacedRun& placed) const { return pages_offset_ + placed.rank * kPageSize; }

  Outcome<void> write_zero_pages() {
    for (const PlacedRun& placed : placement_.runs()) {
      if (placed.run.content != dump_format::RunContent::zero) continue;
      TRY(target_.write_zeros(offset_of(placed), placed.run.pfn_count * kPageSize));
    }
    return {};
  }

  // Runs that are neighbours in the frame and in the file are written at once.
  FrameTask make_task() {
    return [this](std::size_t, std::span<const PlacedRun> runs,
                  std::span<const std::byte> data) -> Outcome<void> {
      for (std::size_t first = 0, next = 0; first < runs.size(); first = next) {
        PageCount count = 0;
        for (next = first; next < runs.size(); ++next) {
          if (runs[next].rank != runs[first].rank + count ||
              runs[next].run.position != runs[first].run.position + count) {
            break;
          }
          count += runs[next].run.pfn_count;
        }
        const auto pages = data.subspan(runs[first].run.position * kPageSize, count * kPageSize);
        TRY(target_.write_at(offset_of(runs[first]), pages));
      }
      return {};
    };
  }

  const DumpReader& dump_;
  const OutputOptions& options_;
  OutputTarget& target_;
  CoreNotes notes_;
  PagePlacement placement_;
  std::vector<Elf64_Phdr> loads_;
  ByteCount note_offset_ = 0;
  ByteCount pages_offset_ = 0;
};

}  // namespace

Outcome<OutputReport> write_elf(const DumpReader& dump, OutputTarget& target, const OutputOptions& options,
                                const ProgressFunction& progress) {
  return ElfWriter(dump, options, target).write(progress);
}

Outcome<OutputReport> write_elf(const DumpReader& dump, const std::filesystem::path& path,
                                const OutputOptions& options, const ProgressFunction& progress) {
  return write_output_file(*find_output_format("elf"), dump, path, options, progress);
}

}  // namespace warmdump
