#include "arm/machine/memory_map.h"

#include <gmock/gmock.h>

#include "tests/arm/machines.h"

namespace warmdump {
namespace {

using testing::HasSubstr;

TEST(MemoryMap, reads_ranges_depths_and_names) {
  const auto map = parse_memory_map(machines::kVirtual4GibArmed);
  ASSERT_TRUE(map.has_value());
  ASSERT_EQ(map->entries.size(), 14U);
  EXPECT_EQ(map->entries[1].range, (AddressRange{0x1000, 0x9ec00}));
  EXPECT_EQ(map->entries[8].name, "Persistent Memory (legacy)");
  EXPECT_EQ(map->entries[8].range, (AddressRange{0x10fe00000, 514 * kMiB}));
  EXPECT_EQ(map->entries[12].depth, 3U);
  EXPECT_EQ(map->entries[12].name, "System RAM (kmem)");
  EXPECT_EQ(ranges_named(*map, kSystemRamName).size(), 4U) << "kmem's RAM lies inside the region";
}

TEST(MemoryMap, hidden_addresses_need_root) {
  const auto map = parse_memory_map(machines::kWithoutRoot);
  ASSERT_FALSE(map.has_value());
  EXPECT_EQ(map.error().code, ErrorCode::no_permission);
  EXPECT_THAT(map.error().message, HasSubstr("needs root"));
}

TEST(MemoryMap, names_the_bad_line) {
  for (const char* line : {"hello", "0-1", "00000000 : System RAM", "2-1 : x", "0-ffffffffffffffff : x",
                           "0-1ffffffffffffffff : x", "x-y : z"}) {
    const auto map = parse_memory_map("00001000-0009ffff : System RAM\n" + std::string(line) + "\n");
    ASSERT_FALSE(map.has_value()) << line;
    EXPECT_EQ(map.error().code, ErrorCode::corrupt);
    EXPECT_THAT(map.error().message, HasSubstr("line 2"));
  }
}

TEST(MemoryMap, without_ram_is_no_map) {
  EXPECT_FALSE(parse_memory_map("").has_value());
  EXPECT_FALSE(parse_memory_map("00001000-0009ffff : Reserved\n").has_value());
}

TEST(MemoryMap, block_sizes) {
  EXPECT_EQ(*parse_block_size("8000000\n"), 128 * kMiB);
  EXPECT_EQ(*parse_block_size("80000000"), 2 * kGiB);
  for (const char* text : {"", "0", "8000001", "0x8000000", "100000", "zz"}) {
    EXPECT_FALSE(parse_block_size(text).has_value()) << text;
  }
}

TEST(MemoryMap, plain_pc_has_all_its_ram) {
  for (const ByteCount size : {512 * kMiB, 3 * kGiB, 4 * kGiB, 64 * kGiB}) {
    ByteCount ram = 0;
    for (const AddressRange& range : ranges_named(plain_pc_memory_map(size), kSystemRamName))
      ram += range.size;
    EXPECT_LE(ram, size);
    EXPECT_GE(ram, size - kMiB);
  }
}

}  // namespace
}  // namespace warmdump
