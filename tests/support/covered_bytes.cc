#include "tests/support/covered_bytes.h"

#include <algorithm>
#include <cstdlib>

namespace warmdump {

std::vector<std::byte> covered_bytes(const synthetic::VmcoreTruth& truth, Pfn pfn) {
  const auto whole = truth.page_bytes(pfn);
  if (!whole.has_value()) std::abort();
  const PhysicalAddress start = pfn * kPageSize;
  std::vector<std::byte> bytes(kPageSize);
  for (const auto& load : truth.loads) {
    const PhysicalAddress first = std::max(start, load.physical_address);
    const PhysicalAddress end = std::min(start + kPageSize, load.physical_address + load.size);
    if (first >= end) continue;
    std::copy(whole->begin() + static_cast<std::ptrdiff_t>(first - start),
              whole->begin() + static_cast<std::ptrdiff_t>(end - start),
              bytes.begin() + static_cast<std::ptrdiff_t>(first - start));
  }
  return bytes;
}

}  // namespace warmdump
