#include "tests/vm/dump_file.h"

#include <elf.h>
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>

namespace warmdump::judge {

void stop(const std::string& message) {
  std::fprintf(stderr, "page_truth: %s\n", message.c_str());
  std::exit(2);
}

DumpFile::DumpFile(const std::string& path) : path_(path), context_(kdump_new()) {
  const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) stop("cannot open " + path + ": " + std::strerror(errno));
  if (kdump_open_fd(context_, file) != KDUMP_OK) stop(path + ": " + kdump_get_err(context_));
}

std::uint64_t DumpFile::pfn_end() const {
  kdump_num_t value = 0;
  if (kdump_get_number_attr(context_, "max_pfn", &value) != KDUMP_OK)
    stop(path_ + ": " + kdump_get_err(context_));
  return value;
}

std::vector<bool> DumpFile::page_map(std::uint64_t pfn_end) const {
  kdump_attr_t attribute{};
  attribute.type = KDUMP_BITMAP;
  if (kdump_get_typed_attr(context_, KDUMP_ATTR_FILE_PAGEMAP, &attribute) != KDUMP_OK)
    stop(path_ + ": " + kdump_get_err(context_));
  std::vector<unsigned char> bytes((pfn_end + 7) / 8);
  if (kdump_bmp_get_bits(attribute.val.bitmap, 0, pfn_end - 1, bytes.data()) != KDUMP_OK)
    stop(path_ + ": " + kdump_bmp_get_err(attribute.val.bitmap));
  kdump_bmp_decref(attribute.val.bitmap);
  std::vector<bool> bits(pfn_end);
  for (std::uint64_t pfn = 0; pfn < pfn_end; ++pfn) bits[pfn] = (bytes[pfn / 8] >> (pfn % 8) & 1) != 0;
  return bits;
}

bool DumpFile::read(std::uint64_t pfn, Page& page) const {
  std::size_t size = kPageSize;
  const kdump_status status = kdump_read(context_, KDUMP_MACHPHYSADDR, pfn * kPageSize, page.data(), &size);
  if (status == KDUMP_OK && size == kPageSize) return true;
  if (status != KDUMP_ERR_NODATA)
    stop(path_ + ": pfn " + std::to_string(pfn) + ": " + kdump_get_err(context_));
  kdump_clear_err(context_);
  return false;
}

namespace {

template <class T>
bool take(std::ifstream& file, T& target, std::uint64_t offset) {
  file.seekg(static_cast<std::streamoff>(offset));
  return static_cast<bool>(file.read(reinterpret_cast<char*>(&target), sizeof(target)));
}

std::string find_vmcoreinfo(std::ifstream& file, std::uint64_t at, std::uint64_t end) {
  constexpr char kName[] = "VMCOREINFO";
  while (at < end) {
    Elf64_Nhdr note{};
    char name[sizeof(kName)] = {};
    if (!take(file, note, at) || !take(file, name, at + sizeof(note))) break;
    at += sizeof(note) + (note.n_namesz + 3) / 4 * 4;
    if (note.n_namesz == sizeof(kName) && std::memcmp(name, kName, sizeof(kName)) == 0) {
      std::string text(note.n_descsz, '\0');
      file.seekg(static_cast<std::streamoff>(at));
      file.read(text.data(), static_cast<std::streamsize>(text.size()));
      return text;
    }
    at += (note.n_descsz + 3) / 4 * 4;
  }
  return {};
}

}  // namespace

VmcoreHeaders read_vmcore_headers(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  VmcoreHeaders headers;
  Elf64_Ehdr elf{};
  if (!take(file, elf, 0)) stop("cannot read " + path);
  for (unsigned i = 0; i < elf.e_phnum; ++i) {
    Elf64_Phdr segment{};
    if (!take(file, segment, elf.e_phoff + i * sizeof(segment))) stop(path + " has no whole program headers");
    const std::uint64_t end = segment.p_offset + segment.p_filesz;
    if (segment.p_type == PT_NOTE) headers.vmcoreinfo = find_vmcoreinfo(file, segment.p_offset, end);
    if (segment.p_type != PT_LOAD || segment.p_filesz == 0) continue;
    const std::uint64_t last = (segment.p_paddr + segment.p_filesz - 1) / kPageSize;
    if (headers.has_page.size() <= last) headers.has_page.resize(last + 1);
    for (std::uint64_t pfn = segment.p_paddr / kPageSize; pfn <= last; ++pfn) headers.has_page[pfn] = true;
  }
  if (headers.vmcoreinfo.empty()) stop(path + " has no VMCOREINFO note");
  return headers;
}

}  // namespace warmdump::judge
