// MemoryDevice: a Device in memory that can be damaged, can fail, and forgets what was not persisted.

#pragma once

#include <cerrno>
#include <cstring>
#include <optional>
#include <utility>
#include <vector>

#include "common/device.h"

namespace warmdump::test {

class MemoryDevice final : public Device {
 public:
  explicit MemoryDevice(ByteCount size) : bytes(size), persisted_(size) {}
  explicit MemoryDevice(std::vector<std::byte> content) : bytes(std::move(content)), persisted_(bytes) {}

  // The n-th write from now (1 is the next) stores only half of its bytes and fails.
  void fail_write(unsigned n) { writes_until_failure_ = n; }

  // A reset: everything written since the last persist() is gone, and what a test did to `bytes` directly.
  void lose_unpersisted() { bytes = persisted_; }

  ByteCount size() const override { return bytes.size(); }

  Result<void> read_at(ByteCount offset, std::span<std::byte> target) const override {
    if (offset > bytes.size() || target.size() > bytes.size() - offset) {
      return Error::make(ErrorCode::invalid, "read past the end").at(WhereKind::file_offset, offset);
    }
    if (broken_at && *broken_at >= offset && *broken_at < offset + target.size()) {
      return Error::system("read failed", EIO).at(WhereKind::file_offset, offset);
    }
    if (!target.empty()) std::memcpy(target.data(), bytes.data() + offset, target.size());
    return {};
  }

  Result<void> write_at(ByteCount offset, std::span<const std::byte> source) override {
    if (offset > bytes.size() || source.size() > bytes.size() - offset) {
      return Error::make(ErrorCode::no_space, "write past the end").at(WhereKind::file_offset, offset);
    }
    unpersisted_.push_back({offset, source.size()});
    const bool fails = writes_until_failure_ != 0 && --writes_until_failure_ == 0;
    const std::size_t stored = fails ? source.size() / 2 : source.size();
    if (stored != 0) std::memcpy(bytes.data() + offset, source.data(), stored);
    if (fails) return Error::system("write failed", EIO).at(WhereKind::file_offset, offset);
    return {};
  }

  Result<void> persist() override {
    for (const auto& [offset, size] : unpersisted_) std::memcpy(&persisted_[offset], &bytes[offset], size);
    unpersisted_.clear();
    return {};
  }

  std::vector<std::byte> bytes;
  std::optional<ByteCount> broken_at;  // reads of this byte fail, as of a poisoned cache line

 private:
  std::vector<std::byte> persisted_;
  std::vector<std::pair<ByteCount, ByteCount>> unpersisted_;  // offset and size of writes
  unsigned writes_until_failure_ = 0;
};

}  // namespace warmdump::test
