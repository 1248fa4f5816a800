// ELF headers and notes of a vmcore, as the capture reads them from a file and as recovery reads them from a
// dump.
//
//   input: ELF header and program headers (a piece), then the notes

#include <cstring>
#include <memory>

#include "common/kernel/vmcore_elf.h"
#include "recover/dump/elf_headers.h"
#include "tests/fuzz/input_reader.h"
#include "tests/fuzz/sparse_region.h"
#include "tests/support/dump_builder.h"

namespace warmdump::fuzz {
namespace {

std::string_view text_of(Input bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

void read_as_recovery(std::string_view headers, std::string_view notes) {
  const auto segments = load_segments(headers);
  Pfn end = 0;
  for (const PfnRange& range : pfn_ranges(segments)) {
    expect(range.first < range.end && (end == 0 || range.first > end), "ranges of memory ascend, apart");
    end = range.end;
  }
  std::string again;
  for (const ElfNote& note : parse_notes(notes)) {
    expect(note.description_offset + note.description.size() <= notes.size(), "a note lies in the notes");
    again = make_note(note.name, note.type, note.description);
    const auto same = parse_notes(again);
    expect(same.size() == 1 && same[0].type == note.type && same[0].description == note.description,
           "a note comes back as it was made");
  }
}

void read_as_capture(Input headers, Input notes) {
  SparseRegion file(headers.size() + notes.size());
  if (!headers.empty()) file.put(0, headers);
  if (!notes.empty()) file.put(headers.size(), notes);
  const auto elf = std::make_unique<VmcoreElf>();
  if (read_vmcore_elf(file, *elf)) {
    PhysicalAddress end = 0;
    for (std::size_t index = 0; index < elf->memory.count(); ++index) {
      const MemoryRange& range = elf->memory[index];
      expect(range.start < range.end && range.start >= end, "ranges of memory ascend");
      expect(elf->memory.find(range.start) == &range, "a range is found by its first address");
      end = range.end;
    }
  }
  NoteWalker walker(file, headers.size(), notes.size());
  NoteLocation note;
  std::size_t count = 0;
  while (walker.next(note)) {
    expect(note.descriptor_offset + note.descriptor_size <= file.size(), "a note lies in the file");
    expect(++count <= NoteWalker::kNotesMax, "notes are bounded");
  }
}

}  // namespace

void fuzz_one(Input input) {
  InputReader reader(input);
  const Input headers = reader.piece();
  const Input notes = reader.rest();
  read_as_recovery(text_of(headers), text_of(notes));
  read_as_capture(headers, notes);
}

std::vector<std::vector<std::byte>> seeds() {
  const auto machine = test::make_small_machine();
  const test::Segment segments[] = {
      {0, 0x1000, 0x9f000}, {0, 0x10'0000, 0x3ff0'0000}, {0xffff'ffff'8100'0000, 0x100'0000, 0x200'0000}};
  InputWriter writer;
  writer.text(test::make_elf_headers(segments)).append(std::as_bytes(std::span(machine.notes)));
  return {writer.bytes()};
}

}  // namespace warmdump::fuzz
