// LiveMemory: the seam to the running system's own memory: the flags of its pages, and their bytes.

#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "arm/machine/machine_files.h"
#include "common/hosted/failure.h"
#include "common/hosted/unique_fd.h"
#include "common/units.h"

namespace warmdump {

class LiveMemory {
 public:
  virtual ~LiveMemory() = default;

  // The words of /proc/kpageflags of consecutive pages. Those behind the kernel's last page are `no_page`.
  virtual Outcome<void> page_flags(Pfn first, std::span<std::uint64_t> flags) = 0;

  // Empty when pages can be read; else why not.
  virtual const std::string& why_unreadable() const = 0;

  // False when the kernel does not give the page away.
  virtual bool read_page(Pfn pfn, std::span<std::byte, kPageSize> target) = 0;
};

// /proc/kpageflags and, where there is one, /proc/kcore (needs CAP_SYS_RAWIO and no lockdown). Root only.
class SystemLiveMemory final : public LiveMemory {
 public:
  // no_permission without root; not_found: a kernel without CONFIG_PROC_PAGE_MONITOR.
  static Outcome<SystemLiveMemory> open(const MachineFiles& files);

  Outcome<void> page_flags(Pfn first, std::span<std::uint64_t> flags) override;
  const std::string& why_unreadable() const override { return why_unreadable_; }
  bool read_page(Pfn pfn, std::span<std::byte, kPageSize> target) override;

 private:
  // Memory that /proc/kcore maps at its physical address: fs/proc/kcore.c tells it in p_paddr, and puts -1
  // there for vmalloc and the memory map.
  struct Piece {
    PhysicalAddress start;
    PhysicalAddress end;  // exclusive
    ByteCount file_offset;
  };

  Outcome<void> open_kcore(const std::string& path);

  UniqueFd flags_;
  UniqueFd kcore_;
  std::vector<Piece> pieces_;
  std::string why_unreadable_;
};

}  // namespace warmdump
