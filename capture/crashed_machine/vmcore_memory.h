// VmcoreMemory: the crashed machine's memory, read out of the vmcore. No heap.
//
// /proc/vmcore is mapped: there mmap() sets all page table entries at once (remap_pfn_range in
// fs/proc/vmcore.c), while read() maps, copies and unmaps one page after the other. A vmcore that was saved
// to a file is read: from the page cache, read() copies faster than page faults map.

#pragma once

#include <cstddef>
#include <cstdint>

#include "common/file_device.h"
#include "common/kernel/physical_memory.h"
#include "common/kernel/vmcore_elf.h"

namespace warmdump {

class VmcoreMemory final : public PhysicalMemory {
 public:
  enum class Access : std::uint8_t {
    automatic,  // whichever is faster for this file
    map,
    read,
  };

  // Both must outlive this object. Large (the buffer of view() where nothing is mapped): keep it in static
  // storage. Where the kernel refuses a mapping, everything after it is read.
  VmcoreMemory(const FileDevice& vmcore, const MemoryRanges& ranges, Access access);
  VmcoreMemory(const VmcoreMemory&) = delete;
  VmcoreMemory& operator=(const VmcoreMemory&) = delete;
  ~VmcoreMemory();

  Result<void> read(PhysicalAddress address, std::span<std::byte> target) override;
  Result<void> copy(PhysicalAddress address, std::span<std::byte> target) override;
  Result<std::span<const std::byte>> view(PhysicalAddress address, ByteCount length) override;

  // True when nothing is mapped (any more).
  bool uses_read() const { return !maps_; }

 private:
  // One section's struct pages. Halving it costs a third more time, doubling it gains nothing.
  static constexpr ByteCount kWindowSize = 2 * kMiB;
  static_assert(kWindowSize >= kViewMax);

  Result<ByteCount> file_offset(PhysicalAddress address, ByteCount length) const;
  // The bytes of the vmcore from `offset` on, mapped; nullptr when the kernel does not map them.
  const std::byte* mapped(ByteCount offset, ByteCount length);
  bool map_window(ByteCount offset, ByteCount length);
  void unmap_window();

  const FileDevice& vmcore_;
  const MemoryRanges& ranges_;
  bool maps_;
  const std::byte* window_ = nullptr;
  ByteCount window_offset_ = 0;
  ByteCount window_size_ = 0;
  alignas(4096) std::byte buffer_[kViewMax];
};

}  // namespace warmdump
