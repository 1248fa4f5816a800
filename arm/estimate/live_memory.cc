#include "arm/estimate/live_memory.h"

#include <elf.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "arm/estimate/page_flags.h"

namespace warmdump {
namespace {

constexpr PhysicalAddress kPhysicalAddressEnd = PhysicalAddress{1} << 52;  // x86_64 has no larger ones
constexpr std::size_t kHeadersMax = 65535;

// Bytes read, fewer at the end of the file; -1 with errno.
ssize_t read_fully(int fd, void* target, std::size_t size, ByteCount offset) {
  std::size_t done = 0;
  while (done < size) {
    const ssize_t count =
        ::pread(fd, static_cast<char*>(target) + done, size - done, static_cast<off_t>(offset + done));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return -1;
    if (count == 0) break;
    done += static_cast<std::size_t>(count);
  }
  return static_cast<ssize_t>(done);
}

}  // namespace

Outcome<SystemLiveMemory> SystemLiveMemory::open(const MachineFiles& files) {
  SystemLiveMemory memory;
  const std::string flags_path = files.path("/proc/kpageflags");
  memory.flags_ = UniqueFd(::open(flags_path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!memory.flags_.valid()) return Failure::system("cannot open " + flags_path, errno);
  if (auto opened = memory.open_kcore(files.path("/proc/kcore")); !opened.has_value()) {
    memory.why_unreadable_ = std::move(opened.error().message);
    memory.pieces_.clear();
  }
  return memory;
}

Outcome<void> SystemLiveMemory::open_kcore(const std::string& path) {
  kcore_ = UniqueFd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!kcore_.valid()) {
    const bool forbidden = errno == EPERM;
    Failure failure = Failure::system("cannot open " + path, errno);
    if (forbidden) failure.message += " (the kernel is locked down, or CAP_SYS_RAWIO is missing)";
    return failure;
  }
  Elf64_Ehdr header;
  if (read_fully(kcore_.get(), &header, sizeof header, 0) != sizeof header ||
      std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 || header.e_ident[EI_CLASS] != ELFCLASS64 ||
      header.e_phentsize != sizeof(Elf64_Phdr) || header.e_phnum > kHeadersMax) {
    return Failure(ErrorCode::unsupported, path + " is no 64-bit ELF core file");
  }
  std::vector<Elf64_Phdr> segments(header.e_phnum);
  const std::size_t size = segments.size() * sizeof(Elf64_Phdr);
  if (read_fully(kcore_.get(), segments.data(), size, header.e_phoff) != static_cast<ssize_t>(size)) {
    return Failure(ErrorCode::io, path + " ends within its program headers");
  }
  for (const Elf64_Phdr& segment : segments) {
    if (segment.p_type != PT_LOAD || segment.p_paddr >= kPhysicalAddressEnd ||
        segment.p_memsz > kPhysicalAddressEnd - segment.p_paddr) {
      continue;
    }
    pieces_.push_back({segment.p_paddr, segment.p_paddr + segment.p_memsz, segment.p_offset});
  }
  std::sort(pieces_.begin(), pieces_.end(), [](const Piece& a, const Piece& b) { return a.end < b.end; });
  if (pieces_.empty()) return Failure(ErrorCode::unsupported, path + " maps no physical memory");
  return {};
}

Outcome<void> SystemLiveMemory::page_flags(Pfn first, std::span<std::uint64_t> flags) {
  const std::size_t size = flags.size_bytes();
  const ssize_t count = read_fully(flags_.get(), flags.data(), size, first * sizeof(std::uint64_t));
  if (count < 0)
    return Failure::system(fmt::format("cannot read /proc/kpageflags at page {:#x}", first), errno);
  const std::size_t told = static_cast<std::size_t>(count) / sizeof(std::uint64_t);
  std::fill(flags.begin() + static_cast<std::ptrdiff_t>(told), flags.end(), flag_bit(PageFlag::no_page));
  return {};
}

bool SystemLiveMemory::read_page(Pfn pfn, std::span<std::byte, kPageSize> target) {
  const PhysicalAddress start = pfn * kPageSize;
  // The image of the kernel is mapped twice; either piece will do.
  for (auto piece = std::upper_bound(pieces_.begin(), pieces_.end(), start,
                                     [](PhysicalAddress address, const Piece&p) { return address < p.end; });
       piece != pieces_.end(); ++piece) {
    if (start < piece->start || start + kPageSize > piece->end) continue;
    return read_fully(kcore_.get(), target.data(), kPageSize, piece->file_offset + (start - piece->start)) ==
           static_cast<ssize_t>(kPageSize);
  }
  return false;
}

}  // namespace warmdump
