// PhysicalMemory: the seam through which everything reads the crashed machine's memory.
// Runs in the crash kernel: no heap, no exceptions.

#pragma once

#include <cstddef>
#include <span>

#include "common/result.h"
#include "common/units.h"

namespace warmdump {

class PhysicalMemory {
 public:
  // Fills `target` from physical address `address`.
  // Errors: not_found when any byte is not part of the vmcore, io when the kernel cannot read it.
  virtual Result<void> read(PhysicalAddress address, std::span<std::byte> target) = 0;

  // As read(), but for whole pages asked for in ascending order: the fastest way to have a copy of them.
  virtual Result<void> copy(PhysicalAddress address, std::span<std::byte> target) = 0;

  // The bytes [address, address + length) in place, at most kViewMax of them. Valid until the next call of
  // view() or copy(). Errors as read().
  virtual Result<std::span<const std::byte>> view(PhysicalAddress address, ByteCount length) = 0;
  static constexpr ByteCount kViewMax = 1 * kMiB;

 protected:
  ~PhysicalMemory() = default;
};

}  // namespace warmdump
