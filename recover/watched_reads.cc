#include "recover/watched_reads.h"

#include <algorithm>

namespace warmdump {

WatchedReads::WatchedReads(const Device& device, ByteCount expected, Tell tell)
    : device_(device), expected_(std::min(expected, device.size())), tell_(std::move(tell)) {
  is_open_ = expected_ >= kLongWork && tell_;
}

Result<void> WatchedReads::read_at(ByteCount offset, std::span<std::byte> bytes) const {
  TRY(device_.read_at(offset, bytes));
  const std::lock_guard lock(mutex_);
  // A copy of the header or a blob that is read once more is no step back.
  furthest_ = std::max(furthest_, std::min(offset + bytes.size(), expected_));
  if (is_open_ && furthest_ < expected_) tell_(furthest_, expected_);
  return {};
}

Result<void> WatchedReads::write_at(ByteCount, std::span<const std::byte>) {
  return Error::make(ErrorCode::invalid, "a device that is only looked at");
}

Result<void> WatchedReads::persist() {
  return Error::make(ErrorCode::invalid, "a device that is only looked at");
}

void WatchedReads::finish() const {
  const std::lock_guard lock(mutex_);
  if (is_open_) tell_(expected_, expected_);
  is_open_ = false;
}

}  // namespace warmdump
