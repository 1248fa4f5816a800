#include "selftest/machine/notes.h"

#include <elf.h>
#include <sys/procfs.h>

#include <algorithm>
#include <cstring>
#include <span>

#include "selftest/machine/page_tables.h"

namespace warmdump::synthetic {
namespace {

// include/uapi/linux/vmcore.h
constexpr Elf64_Word kVmcoreddType = 0x700;
constexpr std::size_t kVmcoreddNameSize = 44;
constexpr std::string_view kVmcoreddOwner("LINUX\0\0\0", 8);

// Places in elf_gregset_t.
constexpr std::size_t kRip = 16;
constexpr std::size_t kRsp = 19;

void append(std::vector<std::byte>& notes, std::span<const std::byte> bytes) {
  notes.insert(notes.end(), bytes.begin(), bytes.end());
  notes.resize(round_up(notes.size(), 4));
}

// `name` as it is stored, its final zero included.
void add_note(std::vector<std::byte>& notes, std::string_view name, Elf64_Word type,
              std::span<const std::byte> content) {
  const Elf64_Nhdr header = {static_cast<Elf64_Word>(name.size()), static_cast<Elf64_Word>(content.size()),
                             type};
  append(notes, std::as_bytes(std::span(&header, 1)));
  append(notes, std::as_bytes(std::span(name)));
  append(notes, content);
}

void add_device_dump(std::vector<std::byte>& notes, const DeviceDumpStatement& dump) {
  std::vector<std::byte> content(kVmcoreddNameSize + dump.size);
  std::memcpy(content.data(), dump.name.data(), std::min(dump.name.size(), kVmcoreddNameSize - 1));
  for (ByteCount i = 0; i < dump.size; ++i) content[kVmcoreddNameSize + i] = static_cast<std::byte>(i);
  add_note(notes, kVmcoreddOwner, kVmcoreddType, content);
}

void add_registers(std::vector<std::byte>& notes, unsigned cpu, VirtualAddress text_address,
                   VirtualAddress stack_address) {
  elf_prstatus status{};
  status.pr_pid = static_cast<pid_t>(100 + cpu);
  status.pr_reg[kRip] = text_address + cpu;
  status.pr_reg[kRsp] = stack_address + cpu * kPageSize;
  add_note(notes, std::string_view("CORE\0", 5), NT_PRSTATUS, std::as_bytes(std::span(&status, 1)));
}

}  // namespace

std::vector<std::byte> make_notes(const Recipe& recipe, const std::string& vmcoreinfo,
                                  VirtualAddress text_address, VirtualAddress stack_address) {
  std::vector<std::byte> notes;
  for (const DeviceDumpStatement& dump : recipe.device_dumps) add_device_dump(notes, dump);
  for (unsigned cpu = 0; cpu < recipe.cpus; ++cpu) add_registers(notes, cpu, text_address, stack_address);
  add_note(notes, std::string_view("VMCOREINFO\0", 11), 0, std::as_bytes(std::span(vmcoreinfo)));
  return notes;
}

}  // namespace warmdump::synthetic
