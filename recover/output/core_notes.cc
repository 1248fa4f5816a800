#include "recover/output/core_notes.h"

namespace warmdump {
namespace {

using dump_format::BlobKind;

constexpr std::string_view kVmcoreinfoName = "VMCOREINFO";

void find_vmcoreinfo(CoreNotes& notes) {
  for (const ElfNote& note : parse_notes(notes.bytes)) {
    if (note.name != kVmcoreinfoName) continue;
    notes.vmcoreinfo_offset = note.description_offset;
    notes.vmcoreinfo_size = note.description.size();
  }
}

// Whole notes only: a reader stops at the first broken one.
std::string whole_notes(std::string_view bytes) {
  std::string whole;
  for (const ElfNote& note : parse_notes(bytes)) whole += make_note(note.name, note.type, note.description);
  return whole;
}

}  // namespace

CoreNotes make_core_notes(const DumpReader& dump) {
  CoreNotes notes;
  notes.bytes = whole_notes(dump.blobs().bytes(BlobKind::elf_notes));
  for (const ElfNote& note : parse_notes(notes.bytes)) {
    if (note.name == "CORE" && note.type == NT_PRSTATUS) ++notes.cpu_count;
  }
  find_vmcoreinfo(notes);
  const std::string_view vmcoreinfo = dump.vmcoreinfo().whole_text();
  if (!notes.vmcoreinfo_offset && !vmcoreinfo.empty()) {
    notes.bytes += make_note(kVmcoreinfoName, 0, vmcoreinfo);
    find_vmcoreinfo(notes);
  }
  notes.bytes += whole_notes(dump.blobs().bytes(BlobKind::device_dumps));
  return notes;
}

}  // namespace warmdump
