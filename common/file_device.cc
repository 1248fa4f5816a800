#include "common/file_device.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace warmdump {
namespace {

// Linux moves at most 0x7ffff000 bytes a call.
constexpr std::size_t kTransferMax = 1U << 30;

Error open_error(int system_errno) {
  Error error = Error::system("cannot open", system_errno);
  switch (system_errno) {
    case ENOENT:
    case ENXIO:
    case ENODEV:
      error.code = ErrorCode::not_found;
      break;
    case EACCES:
    case EPERM:
      error.code = ErrorCode::no_permission;
      break;
    case EBUSY:
      error.code = ErrorCode::busy;
      break;
    default:
      break;
  }
  return error;
}

}  // namespace

FileDevice::~FileDevice() {
  if (fd_ >= 0) ::close(fd_);
}

Result<void> FileDevice::open(const char* path, Access access) {
  struct stat status {};
  if (::stat(path, &status) != 0) return open_error(errno);
  is_block_device_ = S_ISBLK(status.st_mode);
  if (!is_block_device_ && !S_ISREG(status.st_mode)) {
    return Error::make(ErrorCode::invalid, "neither a regular file nor a block device");
  }
  const bool write = access == Access::read_write || access == Access::read_write_direct;
  const bool direct = access == Access::read_only_direct || access == Access::read_write_direct;
  int flags = O_CLOEXEC | (write ? O_RDWR : O_RDONLY) | (write && is_block_device_ ? O_EXCL : 0);
  fd_ = ::open(path, flags | (direct ? O_DIRECT : 0));
  if (fd_ < 0 && errno == EINVAL && direct) fd_ = ::open(path, flags);
  if (fd_ < 0) return open_error(errno);

  size_ = static_cast<ByteCount>(status.st_size);
  if (is_block_device_) {
    const off_t end = ::lseek(fd_, 0, SEEK_END);
    if (end < 0) return Error::system("cannot get the size of the block device", errno);
    size_ = static_cast<ByteCount>(end);
  }
  return {};
}

Result<void> FileDevice::read_at(ByteCount offset, std::span<std::byte> target) const {
  if (offset > size_ || target.size() > size_ - offset) {
    return Error::make(ErrorCode::invalid, "read past the end").at(WhereKind::file_offset, offset);
  }
  while (!target.empty()) {
    const ssize_t count =
        ::pread(fd_, target.data(), std::min(target.size(), kTransferMax), static_cast<off_t>(offset));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return Error::system("read failed", errno).at(WhereKind::file_offset, offset);
    if (count == 0)
      return Error::make(ErrorCode::io, "file became shorter").at(WhereKind::file_offset, offset);
    offset += static_cast<ByteCount>(count);
    target = target.subspan(static_cast<std::size_t>(count));
  }
  return {};
}

Result<void> FileDevice::write_at(ByteCount offset, std::span<const std::byte> source) {
  if (offset > size_ || source.size() > size_ - offset) {
    return Error::make(ErrorCode::no_space, "write past the end").at(WhereKind::file_offset, offset);
  }
  while (!source.empty()) {
    const ssize_t count =
        ::pwrite(fd_, source.data(), std::min(source.size(), kTransferMax), static_cast<off_t>(offset));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return Error::system("write failed", errno).at(WhereKind::file_offset, offset);
    if (count == 0) return Error::make(ErrorCode::io, "nothing written").at(WhereKind::file_offset, offset);
    offset += static_cast<ByteCount>(count);
    source = source.subspan(static_cast<std::size_t>(count));
  }
  return {};
}

Result<void> FileDevice::persist() {
  if (skips_persist_) return {};
  if (::fdatasync(fd_) != 0) return Error::system("flush failed", errno);
  return {};
}

}  // namespace warmdump
