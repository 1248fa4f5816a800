#include "arm/machine/memory_overwrite.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>

#include <cerrno>

#include "common/hosted/unique_fd.h"

namespace warmdump {
namespace {

constexpr const char* kEfi = "/sys/firmware/efi";
constexpr const char* kVariables = "/sys/firmware/efi/efivars";
constexpr const char* kRequest =
    "/sys/firmware/efi/efivars/MemoryOverwriteRequestControl-e20939be-32d4-41be-a150-897f85d49829";
constexpr const char* kLock =
    "/sys/firmware/efi/efivars/MemoryOverwriteRequestControlLock-bb983ccf-151d-40e1-a07b-4a17be168292";

// efivarfs: four bytes of attributes, then the value, here of one byte.
constexpr std::size_t kAttributesSize = 4;
constexpr std::size_t kVariableSize = kAttributesSize + 1;
constexpr unsigned char kClearMemory = 0x01;
constexpr const char* kWhere = "the firmware's MemoryOverwriteRequestControl";

unsigned char value_of(const std::string& variable) {
  return static_cast<unsigned char>(variable[kAttributesSize]);
}

// Other file systems than efivarfs may know no flags; then there is none to clear.
Outcome<int> flags_of(int fd) {
  int flags = 0;
  if (::ioctl(fd, FS_IOC_GETFLAGS, &flags) == 0) return flags;
  if (errno == ENOTTY || errno == EOPNOTSUPP || errno == ENOSYS) return 0;
  return Failure::system(std::string("cannot ask for the flags of ") + kWhere, errno);
}

Outcome<void> set_flags(int fd, int flags) {
  if (::ioctl(fd, FS_IOC_SETFLAGS, &flags) == 0) return {};
  return Failure::system(std::string("cannot change the flags of ") + kWhere, errno);
}

// efivarfs takes a value in one write only.
Outcome<void> write_variable(const std::string& path, const std::string& variable) {
  const UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  if (!fd.valid()) return Failure::system(std::string("cannot open ") + kWhere, errno);
  return write_all(fd.get(), variable, kWhere);
}

}  // namespace

MemoryOverwriteState read_memory_overwrite(const MachineFiles& files) {
  MemoryOverwriteState state;
  if (!files.exists(kEfi)) return state;
  if (files.names_in(kVariables).empty()) {
    state.request = MemoryOverwriteRequest::not_seen;
    return state;
  }
  const auto lock = files.read(kLock);
  state.is_locked = lock.has_value() && lock->size() >= kVariableSize && value_of(*lock) != 0;
  const auto request = files.read(kRequest);
  if (!request.has_value()) {
    state.request = request.error().code == ErrorCode::not_found ? MemoryOverwriteRequest::absent
                                                                 : MemoryOverwriteRequest::not_seen;
  } else if (request->size() < kVariableSize) {
    state.request = MemoryOverwriteRequest::not_seen;
  } else {
    state.request = (value_of(*request) & kClearMemory) != 0 ? MemoryOverwriteRequest::set
                                                             : MemoryOverwriteRequest::clear;
  }
  return state;
}

Outcome<bool> clear_memory_overwrite(const MachineFiles& files) {
  const MemoryOverwriteState state = read_memory_overwrite(files);
  if (state.request == MemoryOverwriteRequest::not_seen) {
    return Failure(ErrorCode::not_found,
                   "the firmware's variables cannot be read: mount efivarfs at /sys/firmware/efi/efivars");
  }
  if (state.request != MemoryOverwriteRequest::set) return false;
  if (state.is_locked) {
    return Failure(ErrorCode::refused,
                   "the firmware has locked its MemoryOverwriteRequest; only its own setup can take it back");
  }
  std::string variable = TRY(files.read(kRequest));
  variable.resize(kVariableSize);
  variable[kAttributesSize] = 0;

  const std::string path = files.path(kRequest);
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.valid()) return Failure::system(std::string("cannot open ") + kWhere, errno);
  const int flags = TRY(flags_of(fd.get()));
  if ((flags & FS_IMMUTABLE_FL) != 0) TRY(set_flags(fd.get(), flags & ~FS_IMMUTABLE_FL));
  const auto written = write_variable(path, variable);
  if ((flags & FS_IMMUTABLE_FL) != 0) TRY(set_flags(fd.get(), flags));
  if (!written.has_value()) return written.error();
  if (read_memory_overwrite(files).request == MemoryOverwriteRequest::set) {
    return Failure(ErrorCode::io, "the firmware took the value but still has its MemoryOverwriteRequest set");
  }
  return true;
}

}  // namespace warmdump
