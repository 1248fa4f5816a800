#include "capture/crash_kernel/early_system.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string_view>

#include "common/text.h"

namespace warmdump {
namespace {

struct FileSystem {
  const char* type;
  const char* target;
};
constexpr FileSystem kFileSystems[] = {{"proc", "/proc"}, {"sysfs", "/sys"}, {"devtmpfs", "/dev"}};

}  // namespace

Result<void> mount_system() {
  for (const FileSystem& file_system : kFileSystems) {
    ::mkdir(file_system.target, 0755);
    const int mounted =
        ::mount(file_system.type, file_system.target, file_system.type, MS_NOSUID | MS_NOEXEC, nullptr);
    if (mounted != 0 && errno != EBUSY) return Error::system("cannot mount /proc, /sys or /dev", errno);
  }
  if (::fcntl(STDERR_FILENO, F_GETFD) < 0) {
    const int console = ::open("/dev/console", O_RDWR);
    for (int fd = STDIN_FILENO; console >= 0 && fd <= STDERR_FILENO; ++fd) ::dup2(console, fd);
  }
  // A console that is stopped (Ctrl-S on a serial line, a full FIFO) must not stop the capture.
  const int flags = ::fcntl(STDERR_FILENO, F_GETFL);
  if (flags >= 0) ::fcntl(STDERR_FILENO, F_SETFL, flags | O_NONBLOCK);
  return {};
}

Result<void> load_module(std::string_view module) {
  const std::size_t path_size = std::min(module.find(' '), module.size());
  Text<256> path;
  path << std::string_view(module.data(), path_size);
  Text<256> parameters;
  if (path_size < module.size()) {
    parameters << std::string_view(module.data() + path_size + 1, module.size() - path_size - 1);
  }
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return Error::system("cannot open module", errno);
  const long loaded = ::syscall(SYS_finit_module, fd, parameters.c_str(), 0);
  const int error = errno;
  ::close(fd);
  if (loaded != 0 && error != EEXIST) return Error::system("cannot load module", error);
  ::unlink(path.c_str());
  return {};
}

}  // namespace warmdump
