#include "common/kernel/vmcore_elf.h"

#include <elf.h>

#include <algorithm>
#include <cstring>

#include "common/arch/page_tables_x86_64.h"

namespace warmdump {
namespace {

// The kernel's own elfcorehdr takes CONFIG_CRASH_MAX_MEMORY_RANGES and one a CPU, both 8192 at most by
// default.
constexpr std::size_t kProgramHeadersMax = 1 << 20;

Result<std::size_t> program_header_count(const Device& vmcore, const Elf64_Ehdr& header) {
  if (header.e_phnum != PN_XNUM) return std::size_t{header.e_phnum};
  Elf64_Shdr first_section;
  TRY(vmcore.read_at(header.e_shoff, std::as_writable_bytes(std::span(&first_section, 1))));
  return std::size_t{first_section.sh_info};
}

Result<Elf64_Ehdr> read_elf_header(const Device& vmcore) {
  Elf64_Ehdr header;
  if (vmcore.size() < sizeof(header)) {
    return Error::make(ErrorCode::invalid, "not an ELF core file (shorter than an ELF header)");
  }
  TRY(vmcore.read_at(0, std::as_writable_bytes(std::span(&header, 1))));
  if (std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0) {
    return Error::make(ErrorCode::invalid, "not an ELF core file (no ELF magic at its start)");
  }
  if (header.e_ident[EI_CLASS] != ELFCLASS64 || header.e_ident[EI_DATA] != ELFDATA2LSB ||
      header.e_machine != EM_X86_64) {
    return Error::make(ErrorCode::unsupported, "not a core file of an x86_64 machine");
  }
  if (header.e_type != ET_CORE) return Error::make(ErrorCode::invalid, "an ELF file, but not a core file");
  if (header.e_phentsize != sizeof(Elf64_Phdr)) {
    return Error::make(ErrorCode::corrupt, "ELF program headers of an unknown size");
  }
  return header;
}

Result<MemoryRange> range_of(const Elf64_Phdr& program, ByteCount file_size, ByteCount header_offset) {
  if (program.p_offset > file_size || program.p_filesz > file_size - program.p_offset ||
      program.p_paddr + program.p_filesz < program.p_paddr) {
    return Error::make(ErrorCode::corrupt,
                       "ELF segment lies outside the file; is the file cut short? segment header")
        .at(WhereKind::file_offset, header_offset);
  }
  return MemoryRange{program.p_paddr, program.p_paddr + program.p_filesz, program.p_offset};
}

}  // namespace

std::size_t MemoryRanges::first_ending_after(PhysicalAddress address) const {
  const MemoryRange* found =
      std::upper_bound(ranges_, ranges_ + count_, address,
                       [](PhysicalAddress value, const MemoryRange& range) { return value < range.end; });
  return static_cast<std::size_t>(found - ranges_);
}

const MemoryRange* MemoryRanges::find(PhysicalAddress address) const {
  const std::size_t index = first_ending_after(address);
  return index < count_ && ranges_[index].contains(address) ? &ranges_[index] : nullptr;
}

Result<void> MemoryRanges::insert(std::size_t index, const MemoryRange& range) {
  if (count_ == kCountMax) return Error::make(ErrorCode::no_space, "too many memory ranges in the vmcore");
  std::copy_backward(ranges_ + index, ranges_ + count_, ranges_ + count_ + 1);
  ranges_[index] = range;
  ++count_;
  return {};
}

Result<void> MemoryRanges::add_uncovered(MemoryRange range) {
  std::size_t index = first_ending_after(range.start);
  while (range.start < range.end) {
    const PhysicalAddress next_start = index < count_ ? ranges_[index].start : range.end;
    if (range.start < next_start) {
      const PhysicalAddress piece_end = std::min(range.end, next_start);
      TRY(insert(index, {range.start, piece_end, range.file_offset}));
      ++index;
    }
    if (index >= count_ || ranges_[index].start >= range.end) break;
    const PhysicalAddress covered_end = ranges_[index].end;
    range.file_offset += covered_end - range.start;
    range.start = covered_end;
    ++index;
  }
  return {};
}

Result<void> read_vmcore_elf(const Device& vmcore, VmcoreElf& elf) {
  const Elf64_Ehdr header = TRY(read_elf_header(vmcore));
  const std::size_t count = TRY(program_header_count(vmcore, header));
  if (count > kProgramHeadersMax) {
    return Error::make(ErrorCode::corrupt, "more ELF program headers than any kernel writes");
  }
  const ByteCount table_size = count * sizeof(Elf64_Phdr);
  if (header.e_phoff > vmcore.size() || table_size > vmcore.size() - header.e_phoff) {
    return Error::make(ErrorCode::corrupt, "ELF program headers lie outside the file");
  }
  elf.headers_size = header.e_phoff + table_size;

  // RAM first: the kernel image lies in RAM too, and the RAM segments are the ones whose bytes count.
  for (const bool image_pass : {false, true}) {
    for (std::size_t i = 0; i < count; ++i) {
      const ByteCount offset = header.e_phoff + i * sizeof(Elf64_Phdr);
      Elf64_Phdr program;
      TRY(vmcore.read_at(offset, std::as_writable_bytes(std::span(&program, 1))));
      const bool is_image = program.p_type == PT_LOAD && program.p_vaddr >= kKernelMapStart;
      if (program.p_type == PT_NOTE && !image_pass) {
        TRY(range_of(program, vmcore.size(), offset));
        elf.notes_offset = program.p_offset;
        elf.notes_size = program.p_filesz;
      }
      if (program.p_type != PT_LOAD || is_image != image_pass) continue;
      const MemoryRange range = TRY(range_of(program, vmcore.size(), offset));
      TRY(elf.memory.add_uncovered(range));
      if (is_image && elf.kernel_image_count < VmcoreElf::kKernelImageRangesMax) {
        elf.kernel_image[elf.kernel_image_count++] = range;
      }
    }
  }
  return {};
}

bool NoteLocation::is(const char* expected_name, unsigned expected_type) const {
  return type == expected_type && std::strcmp(name, expected_name) == 0;
}

bool NoteWalker::next(NoteLocation& note) {
  Elf64_Nhdr header;
  if (end_ - offset_ < sizeof(header) || ++count_ > kNotesMax) return false;
  if (!file_.read_at(offset_, std::as_writable_bytes(std::span(&header, 1))).has_value()) return false;
  const ByteCount descriptor = sizeof(header) + round_up(header.n_namesz, 4);
  const ByteCount rest = end_ - offset_;
  if (descriptor + header.n_descsz > rest) return false;

  note = NoteLocation{};
  note.type = header.n_type;
  const auto name_size = std::min<std::size_t>(header.n_namesz, NoteLocation::kNameMax - 1);
  const auto name = std::as_writable_bytes(std::span(note.name)).first(name_size);
  if (!file_.read_at(offset_ + sizeof(header), name).has_value()) return false;
  note.offset = offset_;
  note.size = std::min(descriptor + round_up(header.n_descsz, 4), rest);
  note.descriptor_offset = offset_ + descriptor;
  note.descriptor_size = header.n_descsz;
  offset_ += note.size;
  return true;
}

}  // namespace warmdump
