#include "arm/estimate/captured_memory.h"

#include <gtest/gtest.h>

#include "tests/arm/machines.h"

namespace warmdump {
namespace {

CapturedMemory captured(const char* iomem) {
  const auto map = parse_memory_map(iomem);
  EXPECT_TRUE(map.has_value());
  return captured_memory(*map);
}

std::vector<std::pair<Pfn, Pfn>> pairs(const std::vector<PfnRange>& ranges) {
  std::vector<std::pair<Pfn, Pfn>> result;
  for (const PfnRange& range : ranges) result.emplace_back(range.first, range.end);
  return result;
}

using Pairs = std::vector<std::pair<Pfn, Pfn>>;

TEST(CapturedMemory, leaves_out_low_memory_crash_kernel_and_region) {
  const CapturedMemory memory = captured(machines::kVirtual4GibArmed);
  EXPECT_EQ(pairs(memory.ram),
            (Pairs{{0x100, 0xb7000}, {0xbf000, 0xbffe0}, {0x100000, 0x10fe00}, {0x130000, 0x140000}}));
  EXPECT_EQ(pairs(memory.kernel_image), (Pairs{{0x1000, 0x2000}}));
}

TEST(CapturedMemory, the_image_goes_from_its_first_to_its_last_section) {
  EXPECT_EQ(pairs(captured(machines::kVirtual4Gib).kernel_image), (Pairs{{0x11b200, 0x11d1c7}}));
}

TEST(CapturedMemory, memory_that_was_plugged_in_counts_once) {
  const CapturedMemory memory = captured(
      "00100000-3fffffff : System RAM\n"
      "100000000-1ffffffff : Some device\n"
      "  100000000-17fffffff : System RAM (virtio_mem)\n"
      "200000000-23fffffff : Persistent Memory\n"
      "  200000000-23fffffff : dax1.0\n"
      "    208000000-23fffffff : System RAM (kmem)\n");
  EXPECT_EQ(pairs(memory.ram), (Pairs{{0x100, 0x40000}, {0x100000, 0x180000}, {0x208000, 0x240000}}));
}

}  // namespace
}  // namespace warmdump
