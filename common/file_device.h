// FileDevice: a block device or regular file as Device. Runs in the crash kernel: no heap, no exceptions.

#pragma once

#include "common/device.h"

namespace warmdump {

class FileDevice final : public Device {
 public:
  enum class Access { read_only, read_only_direct, read_write, read_write_direct };

  FileDevice() = default;
  FileDevice(const FileDevice&) = delete;
  FileDevice& operator=(const FileDevice&) = delete;
  ~FileDevice();

  // The direct ones bypass the page cache (O_DIRECT, on file systems that have it): memory, offsets and
  // lengths of every later call must then be multiples of 4096. A block device opened for writing is claimed
  // (O_EXCL): ErrorCode::busy when somebody holds it.
  // Errors: not_found, no_permission, busy, invalid (neither regular file nor block device), io.
  Result<void> open(const char* path, Access access);

  // Makes persist() do nothing, for a capture into a regular file: it does not survive a warm reset whatever
  // is done to it, and a flush a frame would cost more than the capture.
  void skip_persist() { skips_persist_ = true; }

  bool is_block_device() const { return is_block_device_; }
  // For mmap(2); stays open as long as this object. -1 before open().
  int descriptor() const { return fd_; }

  ByteCount size() const override { return size_; }
  Result<void> read_at(ByteCount offset, std::span<std::byte> target) const override;
  Result<void> write_at(ByteCount offset, std::span<const std::byte> source) override;
  Result<void> persist() override;

 private:
  int fd_ = -1;
  ByteCount size_ = 0;
  bool is_block_device_ = false;
  bool skips_persist_ = false;
};

}  // namespace warmdump
