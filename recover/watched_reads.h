// WatchedReads: a device whose reading is told as progress, for work that reads a dump from its start to its
// end and tells nothing itself.

#pragma once

#include <functional>
#include <mutex>
#include <span>

#include "common/device.h"
#include "common/units.h"

namespace warmdump {

class WatchedReads final : public Device {
 public:
  // Less than this is read in no time; nothing is told of it.
  static constexpr ByteCount kLongWork = 64 * kMiB;

  using Tell = std::function<void(ByteCount done, ByteCount total)>;

  // `device` is borrowed. `expected`: how far it will be read, as far as is known.
  WatchedReads(const Device& device, ByteCount expected, Tell tell);

  ByteCount size() const override { return device_.size(); }
  Result<void> read_at(ByteCount offset, std::span<std::byte> bytes) const override;
  Result<void> write_at(ByteCount offset, std::span<const std::byte> bytes) override;
  Result<void> persist() override;

  // The work is done: that is told; what is read later is not.
  void finish() const;

 private:
  const Device& device_;
  ByteCount expected_;
  Tell tell_;
  mutable std::mutex mutex_;  // pages are read by several threads
  mutable ByteCount furthest_ = 0;
  mutable bool is_open_ = false;
};

}  // namespace warmdump
