// AlignedReads: lets code that reads any range use a Device opened with O_DIRECT. Reading only; safe to use
// from several threads, as far as the device below is.

#pragma once

#include "common/device.h"

namespace warmdump {

class AlignedReads final : public Device {
 public:
  // `device` is borrowed. Its size must be a multiple of kDirectAlignment for the last bytes to be readable.
  explicit AlignedReads(const Device& device) : device_(device) {}

  ByteCount size() const override { return device_.size(); }
  Result<void> read_at(ByteCount offset, std::span<std::byte> target) const override;
  // Errors: always refused.
  Result<void> write_at(ByteCount offset, std::span<const std::byte> source) override;
  Result<void> persist() override;

 private:
  const Device& device_;
};

}  // namespace warmdump
