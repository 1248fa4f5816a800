// Which rules a kernel follows for crashkernel=: two generations of code, and the limits of an architecture.
// Decided by the functions a kernel has, never by its version number.

#pragma once

#include <string>
#include <string_view>

#include "arm/machine/machine.h"
#include "common/units.h"

namespace warmdump {

struct CrashkernelRules {
  Architecture architecture = Architecture::x86_64;

  // What the generations of code do differently. The values here are those of the newest.
  //
  // Older code (arch/x86/kernel/setup.c) goes on to ,high when the plain option is wrong or 0, takes the
  // default for a wrong ,low, and reserves low memory for whatever lands above the limit, a fixed offset too.
  // The common code (reserve_crashkernel_generic()) gives up in the first two cases, and reserves low memory
  // only when it chose the place itself.
  bool common_code = true;
  bool knows_cma = true;  // ,cma is a suffix; otherwise it spoils a plain option
  // RAM is rounded up to 128 MiB before ranges are compared with it. Kernels with either code do or do not,
  // and nothing they show tells; those that know ,cma all do.
  bool rounds_ram_up = true;
  ByteCount fixed_alignment = 16 * kMiB;  // of an @offset: 1 MiB in the older code

  // Limits of the architecture.
  ByteCount alignment = 16 * kMiB;              // of a place the kernel chooses
  PhysicalAddress low_end = 4 * kGiB;           // low memory ends here
  PhysicalAddress high_end = 64 * kKiB * kGiB;  // nothing is reserved above
  ByteCount default_low_size = 256 * kMiB;      // what goes with memory above low_end when nobody says

  std::string told_by;  // what decided, for the user
};

CrashkernelRules older_x86_64_rules();
CrashkernelRules common_x86_64_rules(bool knows_cma);
CrashkernelRules common_arm64_rules(bool knows_cma);

// Of the running kernel or a saved machine: by the functions that /proc/kallsyms names. Without it (not root,
// or not saved) the newest rules; told_by says so. The default low size follows swiotlb= on the command line
// as the kernel's does.
CrashkernelRules crashkernel_rules_of(const Machine& machine, const MachineFiles& files);

// max(size of swiotlb + 8 MiB, 256 MiB), of x86_64: swiotlb=SLABS with slabs of 2 KiB, 64 MiB without.
ByteCount x86_64_default_low_size(std::string_view command_line);

}  // namespace warmdump
