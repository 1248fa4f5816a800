#include "selftest/machine/sparse_core.h"

#include <elf.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <optional>

#include "selftest/machine/page_tables.h"

namespace warmdump::synthetic {
namespace {

Outcome<void> write_file(int file, ByteCount offset, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::pwrite(file, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (count < 0) return Failure::system("cannot write the vmcore", errno);
    bytes = bytes.subspan(static_cast<std::size_t>(count));
    offset += static_cast<ByteCount>(count);
  }
  return {};
}

// File offset of `address` and how many of `size` bytes the range has from there.
struct Piece {
  ByteCount file_offset;
  ByteCount size;
};

PhysicalAddress first_byte(const LoadRange& load) {
  return round_down(load.physical_address, kPageSize);
}
PhysicalAddress end_byte(const LoadRange& load) {
  return round_up(load.physical_address + load.size, kPageSize);
}

ByteCount file_offset(const LoadRange& load, PhysicalAddress address) {
  return load.file_offset - load.physical_address % kPageSize + (address - first_byte(load));
}

Elf64_Phdr make_program_header(const LoadRange& load) {
  Elf64_Phdr header{};
  header.p_type = PT_LOAD;
  header.p_flags = PF_R | PF_W | PF_X;
  header.p_offset = load.file_offset;
  header.p_vaddr = load.virtual_address;
  header.p_paddr = load.physical_address;
  header.p_filesz = header.p_memsz = load.size;
  return header;
}

}  // namespace

Outcome<SparseCore> SparseCore::create(const std::string& path, std::span<const std::byte> notes,
                                       std::vector<LoadRange>& loads) {
  const ByteCount headers_size = sizeof(Elf64_Ehdr) + (loads.size() + 1) * sizeof(Elf64_Phdr);
  const ByteCount notes_offset = round_up(headers_size, kPageSize);
  ByteCount end = notes_offset + round_up(notes.size(), kPageSize);
  for (LoadRange& load : loads) {
    load.file_offset = end + load.physical_address % kPageSize;
    end += end_byte(load) - first_byte(load);
  }

  Elf64_Ehdr elf{};
  std::memcpy(elf.e_ident, ELFMAG, SELFMAG);
  elf.e_ident[EI_CLASS] = ELFCLASS64;
  elf.e_ident[EI_DATA] = ELFDATA2LSB;
  elf.e_ident[EI_VERSION] = EV_CURRENT;
  elf.e_type = ET_CORE;
  elf.e_machine = EM_X86_64;
  elf.e_version = EV_CURRENT;
  elf.e_phoff = elf.e_ehsize = sizeof(Elf64_Ehdr);
  elf.e_phentsize = sizeof(Elf64_Phdr);
  elf.e_phnum = static_cast<Elf64_Half>(loads.size() + 1);

  Elf64_Phdr note{};
  note.p_type = PT_NOTE;
  note.p_offset = notes_offset;
  note.p_filesz = note.p_memsz = notes.size();
  std::vector<Elf64_Phdr> headers = {note};
  for (const LoadRange& load : loads) headers.push_back(make_program_header(load));

  SparseCore core;
  core.file_ = UniqueFd(::open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  if (!core.file_.valid()) return Failure::system("cannot create " + path, errno);
  core.loads_ = loads;
  TRY(write_file(core.file_.get(), 0, std::as_bytes(std::span(&elf, 1))));
  TRY(write_file(core.file_.get(), elf.e_phoff, std::as_bytes(std::span(headers))));
  TRY(write_file(core.file_.get(), notes_offset, notes));
  if (::ftruncate(core.file_.get(), static_cast<off_t>(end)) != 0) {
    return Failure::system("cannot set the size of " + path, errno);
  }
  return core;
}

Outcome<void> SparseCore::write(PhysicalAddress address, std::span<const std::byte> bytes) const {
  bool written = false;
  for (const LoadRange& load : loads_) {
    const PhysicalAddress start = std::max(address, first_byte(load));
    const PhysicalAddress end = std::min(address + bytes.size(), end_byte(load));
    if (start >= end) continue;
    TRY(write_file(file_.get(), file_offset(load, start), bytes.subspan(start - address, end - start)));
    written = true;
  }
  if (!written) return Failure(ErrorCode::invalid, fmt::format("no RAM at {:#x}", address));
  return {};
}

Outcome<void> SparseCore::read(PhysicalAddress address, std::span<std::byte> target) const {
  const auto load = std::find_if(loads_.rbegin(), loads_.rend(), [&](const LoadRange& range) {
    return address >= first_byte(range) && address + target.size() <= end_byte(range);
  });
  if (load == loads_.rend()) return Failure(ErrorCode::invalid, fmt::format("no RAM at {:#x}", address));
  const ssize_t count =
      ::pread(file_.get(), target.data(), target.size(), static_cast<off_t>(file_offset(*load, address)));
  if (count < 0) return Failure::system("cannot read the vmcore", errno);
  if (static_cast<std::size_t>(count) != target.size())
    return Failure(ErrorCode::io, "the vmcore became shorter");
  return {};
}

}  // namespace warmdump::synthetic
