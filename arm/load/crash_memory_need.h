// How much crashkernel= a crash kernel needs, before it has ever run: read off its image, term by term. Pure.
// What it really took is known after a crash; see measured_memory.h.

#pragma once

#include <optional>
#include <string>
#include <vector>

#include "arm/load/kernel_image.h"
#include "common/units.h"

namespace warmdump {

struct MemoryTerm {
  const char* name;
  ByteCount least = 0;        // without it the crash kernel does not come up
  ByteCount comfortable = 0;  // with room for machines of more devices
};

struct CrashMemoryNeed {
  std::vector<MemoryTerm> terms;
  // Sums, in whole MiB. Below `least` no dump is to be expected; between the two it depends on the machine.
  ByteCount least = 0;
  ByteCount comfortable = 0;
};

// `image_size`: the crash image as loaded; `unpacked_size`: the files it becomes.
CrashMemoryNeed crash_memory_need(const KernelImage& kernel, ByteCount image_size, ByteCount unpacked_size);

// "kernel 64 MiB, crash image 0.2 MiB, ...": the terms of the comfortable sum.
std::string memory_terms_text(const CrashMemoryNeed& need);

// Why a reservation of `reserved_size` is too small, and which crashkernel= would do; nothing when it is not.
std::optional<std::string> reservation_shortage(const CrashMemoryNeed& need, ByteCount reserved_size);

}  // namespace warmdump
