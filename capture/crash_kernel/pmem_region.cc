#include "capture/crash_kernel/pmem_region.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <optional>

#include "capture/crash_kernel/early_system.h"
#include "capture/support/parse_number.h"
#include "capture/support/raw_log.h"

namespace warmdump {
namespace {

constexpr std::string_view kDevices = "/sys/bus/nd/devices/";
constexpr std::string_view kPmemDriver = "/sys/bus/nd/drivers/nd_pmem/";

using Path = Text<256>;
using Name = Text<64>;

Path path_of(std::string_view device, std::string_view attribute) {
  Path path;
  path << kDevices << device << '/' << attribute;
  return path;
}

// First line of a sysfs file; empty when there is none.
Name read_attribute(const Path& path) {
  Name value;
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return value;
  char buffer[64];
  const ssize_t size = ::read(fd, buffer, sizeof(buffer));
  ::close(fd);
  if (size <= 0) return value;
  const void* newline = std::memchr(buffer, '\n', static_cast<std::size_t>(size));
  const auto length = newline != nullptr ? static_cast<const char*>(newline) - buffer : size;
  value << std::string_view(buffer, static_cast<std::size_t>(length));
  return value;
}

Result<void> write_attribute(const Path& path, std::string_view value) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
  if (fd < 0) return Error::system("cannot open a sysfs file of the region", errno);
  const ssize_t written = ::write(fd, value.data(), value.size());
  const int error = errno;
  ::close(fd);
  if (written < 0) return Error::system("a sysfs file of the region refused a value", error);
  return {};
}

// Calls visit(name) for the entries of a directory until it returns true; true when it did.
template <class Visit>
bool find_entry(const char* directory, Visit visit) {
  struct Entry {  // struct linux_dirent64 of getdents64(2)
    std::uint64_t inode;
    std::int64_t offset;
    unsigned short length;
    unsigned char type;
    char name[1];
  };
  const int fd = ::open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return false;
  alignas(8) char buffer[4096];
  bool found = false;
  for (long size = 0; !found && (size = ::syscall(SYS_getdents64, fd, buffer, sizeof(buffer))) > 0;) {
    for (long offset = 0; !found && offset < size;) {
      const auto* entry = reinterpret_cast<const Entry*>(buffer + offset);
      offset += entry->length;
      found = entry->name[0] != '.' && visit(std::string_view(entry->name));
    }
  }
  ::close(fd);
  return found;
}

bool is_at(std::string_view device, PhysicalAddress start, ByteCount size) {
  return parse_number(read_attribute(path_of(device, "resource")).view()) == start &&
         parse_number(read_attribute(path_of(device, "size")).view()) == size;
}

Result<Name> find_namespace(const CaptureOptions& options) {
  find_entry(kDevices.data(), [](std::string_view name) {
    if (name.substr(0, 6) == "ndbus0") read_attribute(path_of(name, "wait_probe"));
    return false;
  });
  Name found;
  const bool exists = find_entry(kDevices.data(), [&](std::string_view name) {
    if (name.substr(0, 9) != "namespace" || !is_at(name, options.region_start, options.region_size))
      return false;
    found << name;
    return true;
  });
  if (!exists) {
    return Error::make(
        ErrorCode::not_found,
        "no PMEM namespace at the address of the region; is memmap= on the crash kernel's command line?");
  }
  return found;
}

bool has_block_device(std::string_view device) {
  return ::access(path_of(device, "block").c_str(), F_OK) == 0;
}

// A DAX, PFN or BTT info block left on the region makes another device claim the namespace: take it back.
void release_claim(std::string_view device) {
  const Name holder = read_attribute(path_of(device, "holder"));
  if (holder.view().empty()) return;
  const Path unbind = path_of(holder.view(), "driver/unbind");
  if (::access(unbind.c_str(), F_OK) == 0) {
    if (auto done = write_attribute(unbind, holder.view()); !done.has_value())
      log_error("unbind, ignoring", done.error());
  }
  if (auto done = write_attribute(path_of(holder.view(), "namespace"), "\n"); !done.has_value()) {
    log_error("release of the claim, ignoring", done.error());
  }
}

}  // namespace

Result<DevicePath> claim_pmem_region(const CaptureOptions& options) {
  const Name device = TRY(find_namespace(options));
  // Before the driver binds: it then neither looks for info blocks nor makes struct pages for the region.
  TRY(write_attribute(path_of(device.view(), "force_raw"), "1"));
  for (std::size_t i = 0; i < options.pmem_module_count; ++i) {
    if (auto loaded = load_module(options.pmem_modules[i]); !loaded.has_value()) {
      log_error(options.pmem_modules[i], loaded.error());
    }
  }
  if (!has_block_device(device.view())) {
    release_claim(device.view());
    Path bind;
    bind << kPmemDriver << "bind";
    TRY(write_attribute(bind, device.view()));
  }

  DevicePath path;
  const bool exists = find_entry(path_of(device.view(), "block").c_str(), [&](std::string_view name) {
    path << "/dev/" << name;
    return true;
  });
  if (!exists) return Error::make(ErrorCode::not_found, "the region has no block device");
  return path;
}

}  // namespace warmdump
