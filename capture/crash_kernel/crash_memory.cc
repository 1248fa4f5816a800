#include "capture/crash_kernel/crash_memory.h"

#include "capture/support/free_memory.h"
#include "capture/support/raw_log.h"
#include "common/text.h"
#include "common/units.h"

namespace warmdump {
namespace {

// What a capture touches of its static storage, measured as peak RSS (5.5 MiB) with room to spare; and page
// tables, requests to the disk, and what the kernel never gives away (min_free_kbytes).
constexpr ByteCount kCaptureNeeds = 7 * kMiB;
constexpr ByteCount kKernelNeeds = 3 * kMiB;

ByteCount log_free(const char* when) {
  const auto memory = free_memory();
  if (!memory) return ~ByteCount{0};
  Text<128> line;
  line << "memory " << when << ": " << memory->free / kKiB << " of " << memory->total / kKiB << " KiB free";
  log_line(line.view());
  return memory->free;
}

}  // namespace

void log_memory_at_start() {
  constexpr ByteCount kNeeded = kCaptureNeeds + kKernelNeeds;
  const ByteCount free = log_free("at the start");
  if (free >= kNeeded) return;
  Text<256> line;
  line << "MEMORY IS SHORT: " << kNeeded / kMiB
       << " MiB may be needed. If the kernel stops here, make crashkernel= " << (kNeeded - free) / kMiB + 1
       << " MiB larger";
  log_line(line.view());
}

void log_memory_at_end() {
  log_free("at the end");
}

}  // namespace warmdump
