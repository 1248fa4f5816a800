#include "tests/support/printk_core.h"

#include <elf.h>
#include <fmt/format.h>

#include <cstring>
#include <fstream>

#include "common/units.h"

namespace warmdump::test {
namespace {

constexpr std::uint64_t kBase = 0xffff888000000000;  // where the one piece of memory lies
constexpr std::size_t kRingOffset = 16;              // in it; a pointer to the ring comes first
// Pointers in struct printk_ringbuffer, by the keys of PrintkRingBuilder::vmcoreinfo().
constexpr std::size_t kDescsPointer = 8, kInfosPointer = 16, kTextPointer = 48 + 8;

void put(std::string& bytes, std::size_t offset, std::uint64_t value) {
  std::memcpy(bytes.data() + offset, &value, sizeof(value));
}

std::string memory_of(PrintkRingBuilder& ring) {
  const PrintkMemory pieces = ring.memory();
  std::string bytes(kRingOffset, '\0');
  bytes += pieces.ring;
  put(bytes, 0, kBase + kRingOffset);
  put(bytes, kRingOffset + kDescsPointer, kBase + bytes.size());
  bytes += pieces.descs;
  put(bytes, kRingOffset + kInfosPointer, kBase + bytes.size());
  bytes += pieces.infos;
  put(bytes, kRingOffset + kTextPointer, kBase + bytes.size());
  bytes += pieces.text;
  return bytes;
}

std::string vmcoreinfo_note() {
  const std::string text =
      PrintkRingBuilder::vmcoreinfo() + fmt::format("SYMBOL(prb)={:x}\nCRASHTIME=1700000000\n", kBase);
  const std::string name("VMCOREINFO\0\0", 12);
  const Elf64_Nhdr header{11, static_cast<Elf64_Word>(text.size()), 0};
  std::string note(reinterpret_cast<const char*>(&header), sizeof(header));
  note += name + text;
  note.resize(round_up(note.size(), 4));
  return note;
}

}  // namespace

void write_printk_core(PrintkRingBuilder& ring, const std::filesystem::path& path) {
  const std::string note = vmcoreinfo_note();
  const std::string memory = memory_of(ring);
  Elf64_Ehdr header{};
  std::memcpy(header.e_ident, ELFMAG, SELFMAG);
  header.e_ident[EI_CLASS] = ELFCLASS64;
  header.e_ident[EI_DATA] = ELFDATA2LSB;
  header.e_ident[EI_VERSION] = EV_CURRENT;
  header.e_type = ET_CORE;
  header.e_machine = EM_X86_64;
  header.e_version = EV_CURRENT;
  header.e_phoff = sizeof(Elf64_Ehdr);
  header.e_ehsize = sizeof(Elf64_Ehdr);
  header.e_phentsize = sizeof(Elf64_Phdr);
  header.e_phnum = 2;
  Elf64_Phdr segments[2]{};
  segments[0].p_type = PT_NOTE;
  segments[0].p_offset = sizeof(header) + sizeof(segments);
  segments[0].p_filesz = segments[0].p_memsz = note.size();
  segments[1].p_type = PT_LOAD;
  segments[1].p_offset = segments[0].p_offset + note.size();
  segments[1].p_vaddr = kBase;
  segments[1].p_filesz = segments[1].p_memsz = memory.size();
  std::ofstream file(path, std::ios::binary);
  file.write(reinterpret_cast<const char*>(&header), sizeof(header));
  file.write(reinterpret_cast<const char*>(segments), sizeof(segments));
  file << note << memory;
}

}  // namespace warmdump::test
