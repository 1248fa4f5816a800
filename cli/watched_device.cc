#include "cli/watched_device.h"

#include <algorithm>

namespace warmdump {

WatchedDevice::WatchedDevice(const Device& device, std::string_view label, ByteCount expected)
    : device_(device), expected_(std::min(expected, device.size())) {
  is_open_ = expected_ >= kLongWork;
  if (is_open_) progress_.begin(label, expected_);
}

Result<void> WatchedDevice::read_at(ByteCount offset, std::span<std::byte> bytes) const {
  TRY(device_.read_at(offset, bytes));
  const std::lock_guard lock(mutex_);
  // A copy of the header or a blob that is read once more is no step back.
  furthest_ = std::max(furthest_, std::min(offset + bytes.size(), expected_));
  if (is_open_) progress_.update(furthest_);
  return {};
}

Result<void> WatchedDevice::write_at(ByteCount, std::span<const std::byte>) {
  return Error::make(ErrorCode::invalid, "a device that is only looked at");
}

Result<void> WatchedDevice::persist() {
  return Error::make(ErrorCode::invalid, "a device that is only looked at");
}

void WatchedDevice::finish() const {
  const std::lock_guard lock(mutex_);
  if (is_open_) progress_.finish();
  is_open_ = false;
}

}  // namespace warmdump
