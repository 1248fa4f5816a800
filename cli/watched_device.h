// WatchedDevice: a device whose reading is shown as progress, for work that reads a dump from its start to
// its end and tells nothing itself.

#pragma once

#include <mutex>
#include <span>
#include <string_view>

#include "cli/progress.h"
#include "common/device.h"

namespace warmdump {

class WatchedDevice final : public Device {
 public:
  // Less than this is read in no time; nothing is shown for it.
  static constexpr ByteCount kLongWork = 64 * kMiB;

  // `device` is borrowed. `expected`: how far it will be read, as far as is known.
  WatchedDevice(const Device& device, std::string_view label, ByteCount expected);

  ByteCount size() const override { return device_.size(); }
  Result<void> read_at(ByteCount offset, std::span<std::byte> bytes) const override;
  Result<void> write_at(ByteCount offset, std::span<const std::byte> bytes) override;
  Result<void> persist() override;

  // The work is done; what is read later is not shown.
  void finish() const;

 private:
  const Device& device_;
  ByteCount expected_;
  mutable std::mutex mutex_;  // pages are read by several threads
  mutable Progress progress_;
  mutable ByteCount furthest_ = 0;
  mutable bool is_open_ = false;
};

}  // namespace warmdump
