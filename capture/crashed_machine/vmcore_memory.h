// VmcoreMemory: the crashed machine's memory, read out of the vmcore by mmap, or by read() where the kernel
// refuses to map it. No heap.

#pragma once

#include <cstddef>

#include "common/file_device.h"
#include "common/kernel/physical_memory.h"
#include "common/kernel/vmcore_elf.h"

namespace warmdump {

class VmcoreMemory final : public PhysicalMemory {
 public:
  // Both must outlive this object. Large (the buffer for read()): keep it in static storage.
  VmcoreMemory(const FileDevice& vmcore, const MemoryRanges& ranges) : vmcore_(vmcore), ranges_(ranges) {}
  VmcoreMemory(const VmcoreMemory&) = delete;
  VmcoreMemory& operator=(const VmcoreMemory&) = delete;
  ~VmcoreMemory();

  Result<void> read(PhysicalAddress address, std::span<std::byte> target) override;
  Result<std::span<const std::byte>> view(PhysicalAddress address, ByteCount length) override;

  // True once the kernel refused a mapping and everything goes through read().
  bool uses_read() const { return uses_read_; }
  void force_read() { uses_read_ = true; }

 private:
  // At 1 MiB the cost of mapping is negligible next to the use of the bytes; larger windows only cost memory.
  static constexpr ByteCount kWindowSize = kViewMax;

  Result<ByteCount> file_offset(PhysicalAddress address, ByteCount length) const;
  bool map_window(ByteCount offset, ByteCount length);
  void unmap_window();

  const FileDevice& vmcore_;
  const MemoryRanges& ranges_;
  const std::byte* window_ = nullptr;
  ByteCount window_offset_ = 0;
  ByteCount window_size_ = 0;
  bool uses_read_ = false;
  alignas(4096) std::byte buffer_[kViewMax];
};

}  // namespace warmdump
