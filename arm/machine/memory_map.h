// The physical memory map of a machine as /proc/iomem tells it, and the size of its memory blocks.

#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/hosted/failure.h"
#include "common/units.h"

namespace warmdump {

// [start, start + size) of physical addresses.
struct AddressRange {
  PhysicalAddress start = 0;
  ByteCount size = 0;

  PhysicalAddress end() const { return start + size; }  // exclusive
  bool contains(const AddressRange& other) const { return start <= other.start && other.end() <= end(); }
  bool overlaps(const AddressRange& other) const { return start < other.end() && other.start < end(); }
  bool operator==(const AddressRange&) const = default;
};

// "0x10fe00000-0x12fffffff", the last address included as in /proc/iomem.
std::string address_range_text(const AddressRange& range);

struct MapEntry {
  AddressRange range;
  unsigned depth = 0;  // 0 for what the machine has, more for what lies inside the entry before it
  std::string name;    // "System RAM", "Kernel code", ...
};

struct MemoryMap {
  std::vector<MapEntry> entries;  // as listed: by address, a parent before its children
};

// Names in /proc/iomem.
inline constexpr std::string_view kSystemRamName = "System RAM";
inline constexpr std::string_view kPersistentMemoryName = "Persistent Memory (legacy)";

// Text of /proc/iomem. Without CAP_SYS_ADMIN the kernel shows every address as 0: ErrorCode::no_permission.
// A line of another form is ErrorCode::corrupt, with its number; so is a map without System RAM.
Outcome<MemoryMap> parse_memory_map(std::string_view iomem);

// Text of /sys/devices/system/memory/block_size_bytes: hexadecimal without 0x. Not a power of two of at least
// 2 MiB: ErrorCode::corrupt.
Outcome<ByteCount> parse_block_size(std::string_view text);

// A map of `ram_size` bytes of RAM as PCs have it: a hole for devices from 3 to 4 GiB, what does not fit
// below it above 4 GiB, the first MiB left to firmware.
MemoryMap plain_pc_memory_map(ByteCount ram_size);

// The top-level ranges with this name, in order.
std::vector<AddressRange> ranges_named(const MemoryMap& map, std::string_view name);

}  // namespace warmdump
