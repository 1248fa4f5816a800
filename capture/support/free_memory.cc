#include "capture/support/free_memory.h"

#include <sys/sysinfo.h>

#include <algorithm>

namespace warmdump {

std::optional<FreeMemory> free_memory() {
  struct sysinfo memory {};
  if (::sysinfo(&memory) != 0) return {};
  return FreeMemory{ByteCount{memory.totalram} * memory.mem_unit,
                    ByteCount{memory.freeram} * memory.mem_unit};
}

void note_free_memory(const FreeMemory& memory, dump_format::RegionHeader& header) {
  const ByteCount least = header.memory_free_min;
  // 0 stands for unknown.
  const ByteCount free = std::max<ByteCount>(1, memory.free);
  header.memory_free_min = header.memory_total == 0 ? free : std::min(least, free);
  header.memory_total = memory.total;
}

void note_free_memory(dump_format::RegionHeader& header) {
  if (const auto memory = free_memory()) note_free_memory(*memory, header);
}

}  // namespace warmdump
