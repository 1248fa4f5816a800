#include "recover/dump/elf_headers.h"

#include <algorithm>
#include <cstring>

#include "recover/dump/frame_payload.h"

namespace warmdump {
namespace {

constexpr ByteCount kNoteAlignment = 4;

bool is_usable(const Elf64_Phdr& segment) {
  const PhysicalAddress end_max = kPfnEnd * kPageSize;
  return segment.p_type == PT_LOAD && segment.p_memsz > 0 && segment.p_paddr < end_max &&
         segment.p_memsz <= end_max - segment.p_paddr;
}

}  // namespace

std::vector<Elf64_Phdr> load_segments(std::string_view elf_headers) {
  std::vector<Elf64_Phdr> segments;
  Elf64_Ehdr file_header;
  if (elf_headers.size() < sizeof(file_header)) return segments;
  std::memcpy(&file_header, elf_headers.data(), sizeof(file_header));
  if (std::memcmp(file_header.e_ident, ELFMAG, SELFMAG) != 0 || file_header.e_ident[EI_CLASS] != ELFCLASS64 ||
      file_header.e_ident[EI_DATA] != ELFDATA2LSB || file_header.e_machine != EM_X86_64 ||
      file_header.e_phentsize != sizeof(Elf64_Phdr) || file_header.e_phoff > elf_headers.size()) {
    return segments;
  }
  const std::size_t room = (elf_headers.size() - file_header.e_phoff) / sizeof(Elf64_Phdr);
  const std::size_t count =
      file_header.e_phnum == PN_XNUM ? room : std::min<std::size_t>(room, file_header.e_phnum);
  for (std::size_t index = 0; index < count; ++index) {
    Elf64_Phdr segment;
    std::memcpy(&segment, elf_headers.data() + file_header.e_phoff + index * sizeof(segment),
                sizeof(segment));
    if (is_usable(segment)) segments.push_back(segment);
  }
  return segments;
}

std::vector<PfnRange> pfn_ranges(const std::vector<Elf64_Phdr>& segments) {
  std::vector<PfnRange> ranges;
  for (const Elf64_Phdr& segment : segments) {
    ranges.push_back(
        {segment.p_paddr / kPageSize, round_up(segment.p_paddr + segment.p_memsz, kPageSize) / kPageSize});
  }
  std::sort(ranges.begin(), ranges.end(),
            [](const PfnRange& left, const PfnRange& right) { return left.first < right.first; });
  std::size_t kept = 0;
  for (const PfnRange& range : ranges) {
    if (kept > 0 && range.first <= ranges[kept - 1].end) {
      ranges[kept - 1].end = std::max(ranges[kept - 1].end, range.end);
    } else {
      ranges[kept++] = range;
    }
  }
  ranges.resize(kept);
  return ranges;
}

std::vector<ElfNote> parse_notes(std::string_view notes) {
  std::vector<ElfNote> parsed;
  std::size_t offset = 0;
  while (notes.size() - offset >= sizeof(Elf64_Nhdr)) {
    Elf64_Nhdr header;
    std::memcpy(&header, notes.data() + offset, sizeof(header));
    const ByteCount name_offset = offset + sizeof(header);
    const ByteCount description_offset = name_offset + round_up(ByteCount{header.n_namesz}, kNoteAlignment);
    const ByteCount end = description_offset + header.n_descsz;
    if (end > notes.size() || (header.n_namesz == 0 && header.n_descsz == 0)) break;
    std::string_view name = notes.substr(name_offset, header.n_namesz);
    name = name.substr(0, name.find('\0'));
    parsed.push_back({name, header.n_type, notes.substr(description_offset, header.n_descsz),
                      static_cast<std::size_t>(description_offset)});
    offset = std::min<std::size_t>(round_up(end, kNoteAlignment), notes.size());
  }
  return parsed;
}

std::string make_note(std::string_view name, std::uint32_t type, std::string_view description) {
  Elf64_Nhdr header{};
  header.n_namesz = static_cast<Elf64_Word>(name.size() + 1);
  header.n_descsz = static_cast<Elf64_Word>(description.size());
  header.n_type = type;
  std::string note(reinterpret_cast<const char*>(&header), sizeof(header));
  note += name;
  note.resize(round_up(note.size() + 1, kNoteAlignment));
  note += description;
  note.resize(round_up(note.size(), kNoteAlignment));
  return note;
}

}  // namespace warmdump
