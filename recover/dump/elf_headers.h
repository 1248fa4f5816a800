// What the ELF headers and notes of a vmcore say: which memory it covers, and the notes one by one. Pure.
//
// x86-64 little-endian only: structures of <elf.h> are read in place of the host's.

#pragma once

#include <elf.h>

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "recover/dump/run_index.h"

namespace warmdump {

// PT_LOAD headers of a vmcore in their order. Segments may overlap: the kernel image has its own.
// Headers that make no sense (beyond 52 bits of physical address, of size 0) are left out, and so is all
// of `elf_headers` that is cut off. Empty when it is no ELF64 x86-64 header.
std::vector<Elf64_Phdr> load_segments(std::string_view elf_headers);

// The pfns the segments touch, sorted, joined, a page that is covered in part included.
std::vector<PfnRange> pfn_ranges(const std::vector<Elf64_Phdr>& segments);

// One note; the views live as long as the notes' bytes.
struct ElfNote {
  std::string_view name;  // without its ending zero byte
  std::uint32_t type;
  std::string_view description;
  std::size_t description_offset;  // in the notes
};

// All whole notes, up to the first that does not fit.
std::vector<ElfNote> parse_notes(std::string_view notes);

// A note as it is stored, padding included.
std::string make_note(std::string_view name, std::uint32_t type, std::string_view description);

}  // namespace warmdump
