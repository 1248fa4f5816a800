// Device: the seam between dump logic and what holds the bytes: a PMEM block device, a regular file, or
// memory in a test.

#pragma once

#include <cstddef>
#include <span>

#include "common/result.h"
#include "common/units.h"

namespace warmdump {

class Device {
 public:
  // Bytes; constant while the device is open.
  virtual ByteCount size() const = 0;

  // Fills all of `target` from byte `offset`, or fails: reading past the end is an error, never a short read.
  virtual Result<void> read_at(ByteCount offset, std::span<std::byte> target) const = 0;

  // Writes all of `source` at byte `offset`. After a failure the range holds any mix of old and new bytes.
  virtual Result<void> write_at(ByteCount offset, std::span<const std::byte> source) = 0;

  // Returns once everything written before survives a warm reset.
  virtual Result<void> persist() = 0;

 protected:
  ~Device() = default;  // owned by value, never deleted through the interface: capture has no heap
};

}  // namespace warmdump
