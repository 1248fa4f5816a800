// MemoryBlockTable: the seam between moving memory blocks (the kernel's units of hot-plug) and
// /sys/devices/system/memory. The real one is SysfsMemoryBlocks; tests use an in-memory twin.
//
// Fact: Documentation/admin-guide/mm/memory-hotplug.rst of Linux, "state" and "valid_zones".

#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/units.h"

namespace warmdump {

inline constexpr const char* kOnlineMovable = "online_movable";
inline constexpr const char* kOffline = "offline";
inline constexpr const char* kMovableZone = "Movable";

struct MemoryBlock {
  std::uint64_t number = 0;  // its physical address in units of the block size
  bool online = false;
  std::string zone;  // of an online block: "Movable", "Normal", "DMA32"; "none" when it spans several
  std::string name() const { return "memory" + std::to_string(number); }
  bool is_movable() const { return online && zone == kMovableZone; }
};

class MemoryBlockTable {
 public:
  virtual ~MemoryBlockTable() = default;

  // 0 when this kernel has no memory hot-plug.
  virtual ByteCount block_size() const = 0;

  // The blocks that exist and lie wholly in [start, start + size), in address order.
  virtual std::vector<MemoryBlock> blocks(PhysicalAddress start, ByteCount size) const = 0;

  // Asks the kernel for a state ("offline", "online_movable"). Returns 0 or what errno says; EINTR when the
  // kernel was not done after `limit_ms`. A block that has that state already is EINVAL for the kernel.
  virtual int set_state(std::uint64_t number, const char* state, std::uint64_t limit_ms) = 0;

  // Of a clock that only goes forward.
  virtual std::uint64_t now_ms() const = 0;
  virtual void sleep_ms(std::uint64_t milliseconds) = 0;
};

class SysfsMemoryBlocks final : public MemoryBlockTable {
 public:
  explicit SysfsMemoryBlocks(std::string directory = "/sys/devices/system/memory")
      : directory_(std::move(directory)) {}

  ByteCount block_size() const override;
  std::vector<MemoryBlock> blocks(PhysicalAddress start, ByteCount size) const override;
  // Takes SIGALRM and ITIMER_REAL of the process while it runs, and gives them back.
  int set_state(std::uint64_t number, const char* state, std::uint64_t limit_ms) override;
  std::uint64_t now_ms() const override;
  void sleep_ms(std::uint64_t milliseconds) override;

 private:
  std::string directory_;
};

}  // namespace warmdump
