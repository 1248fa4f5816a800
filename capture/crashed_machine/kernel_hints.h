// KernelHints: where the running kernel had a few things that VMCOREINFO does not tell, written down by
// `warmdump arm` in the same boot. Only the order of the dump depends on them: each may be missing or wrong.
// No heap.
//
// To add one: a member here, its row in kernel_hints.cc, the symbol in arm/kernel_hints.cc, its use in
// capture/pages/priority_locator.cc, and a line in docs/man/warmdump-capture.8.

#pragma once

#include <string_view>

#include "common/units.h"

namespace warmdump {

// Virtual addresses of symbols of the crashed kernel; 0: unknown.
struct KernelHints {
  VirtualAddress per_cpu_offset = 0;  // __per_cpu_offset: for each CPU, what to add to a per-CPU address
  VirtualAddress per_cpu_start = 0;   // __per_cpu_start and __per_cpu_end: per-CPU addresses; the former is
  VirtualAddress per_cpu_end = 0;     // zero on many kernels
  // Per-CPU address of the pointer to the running task: current_task, or pcpu_hot whose first member it is.
  VirtualAddress current_task = 0;
  VirtualAddress crash_notes = 0;  // pointer to the per-CPU memory of the crash notes
  std::uint64_t cpu_count = 0;     // possible CPUs
};

// Sets the hint called `name`. False when there is none of that name.
bool set_hint(KernelHints& hints, std::string_view name, std::uint64_t value);

}  // namespace warmdump
