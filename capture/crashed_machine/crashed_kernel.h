// CrashedKernel: what the vmcore's own notes tell of the kernel that crashed, and the tools made from it:
// page tables, memory map, struct page layout. No heap.

#pragma once

#include <optional>

#include "common/arch/page_tables_x86_64.h"
#include "common/file_device.h"
#include "common/kernel/mem_map.h"
#include "common/kernel/page_layout.h"
#include "common/kernel/physical_memory.h"
#include "common/kernel/vmcore_elf.h"
#include "common/kernel/vmcoreinfo.h"
#include "common/result.h"

namespace warmdump {

inline constexpr ByteCount kVmcoreinfoSizeMax = 64 * kKiB;

struct CrashedKernel {
  Vmcoreinfo info;
  std::optional<PageTables> page_tables;
  // Empty when VMCOREINFO lacks what they need: then no page can be told from another and all are kept.
  std::optional<PageLayout> layout;
  std::optional<MemMap> mem_map;

  char vmcoreinfo_text[kVmcoreinfoSizeMax];
};

// Finds VMCOREINFO among the notes of `vmcore` and sets up `kernel`, which must be freshly constructed and
// stay where it is; `memory` must outlive it. What is missing below VMCOREINFO itself is logged and left
// empty. Errors: not_found (no VMCOREINFO note, or no page table root in it), unsupported (page size), io.
Result<void> read_crashed_kernel(const FileDevice& vmcore, const VmcoreElf& elf, PhysicalMemory& memory,
                                 CrashedKernel& kernel);

}  // namespace warmdump
