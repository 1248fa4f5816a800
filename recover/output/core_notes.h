// The PT_NOTE segment an output file gets.

#pragma once

#include <optional>
#include <string>

#include "recover/dump/dump_reader.h"

namespace warmdump {

struct CoreNotes {
  std::string bytes;                             // registers, VMCOREINFO, device dumps at the end
  std::optional<std::size_t> vmcoreinfo_offset;  // of the VMCOREINFO text in `bytes`
  std::size_t vmcoreinfo_size = 0;
  std::size_t cpu_count = 0;  // NT_PRSTATUS notes
};

// When the notes of the vmcore are damaged and lack VMCOREINFO, a note is made from the copy that is stored
// on its own: no tool can open a dump without.
CoreNotes make_core_notes(const DumpReader& dump);

}  // namespace warmdump
