// PriorityLocator: finds in the crashed machine what the dump is to have first, from VMCOREINFO, page tables,
// the registers of the CPUs and the hints of `arm`. No heap.
//
// Every walk has a bound, and nothing here can fail: what cannot be found goes with the bulk of the pages.

#pragma once

#include <span>

#include "capture/crashed_machine/crashed_kernel.h"
#include "capture/crashed_machine/kernel_hints.h"
#include "capture/pages/priority_pages.h"
#include "common/file_device.h"
#include "common/kernel/vmcore_elf.h"

namespace warmdump {

class PriorityLocator {
 public:
  // All references must outlive this object.
  PriorityLocator(const FileDevice& vmcore, const VmcoreElf& elf, CrashedKernel& kernel,
                  const KernelHints& hints, PriorityPages& pages)
      : vmcore_(vmcore), elf_(elf), kernel_(kernel), hints_(hints), pages_(pages) {}

  // Adds everything to the pages, and finishes them. Call once.
  void locate();

 private:
  using Phase = dump_format::Phase;
  using Rule = PriorityPages::Rule;

  void locate_tables();
  void locate_nodes();
  void locate_printk_ring();
  void locate_kernel_image();
  void locate_registers();
  void locate_exception_stacks();
  void locate_per_cpu_areas();
  void locate_tasks();
  void locate_modules();
  void locate_vmalloc();

  // Adds what is mapped in [address, address + length), as far as it is memory of the vmcore.
  void add_mapped(VirtualAddress address, ByteCount length, Phase phase, Rule rule);
  void add_leaves(VirtualAddress first, VirtualAddress last, Phase phase);
  void add_memory(Pfn first, Pfn end, Phase phase, Rule rule);
  std::span<const MemoryRange> image() const;
  bool is_image(PhysicalAddress address) const;
  VirtualAddress read_pointer(VirtualAddress address);
  std::uint64_t cpu_count();
  VirtualAddress per_cpu_offset(std::uint64_t cpu);
  VirtualAddress vmalloc_start();
  VirtualAddress vmalloc_last(VirtualAddress start);

  const FileDevice& vmcore_;
  const VmcoreElf& elf_;
  CrashedKernel& kernel_;
  const KernelHints& hints_;
  PriorityPages& pages_;
};

}  // namespace warmdump
