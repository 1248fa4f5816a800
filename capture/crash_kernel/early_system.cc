#include "capture/crash_kernel/early_system.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

#include "capture/support/raw_log.h"

namespace warmdump {
namespace {

// Reset at once would overtake what is still on its way from the memory controller to the memory.
constexpr unsigned kSettleSeconds = 1;

struct FileSystem {
  const char* type;
  const char* target;
};
constexpr FileSystem kFileSystems[] = {{"proc", "/proc"}, {"sysfs", "/sys"}, {"devtmpfs", "/dev"}};

void prefer_warm_reset() {
  // Linux 5.11 and later; older kernels take reboot=warm on the command line.
  const int fd = ::open("/sys/kernel/reboot/mode", O_WRONLY | O_CLOEXEC);
  if (fd < 0) return;
  [[maybe_unused]] const auto written = ::write(fd, "warm", 4);
  ::close(fd);
}

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
  return {};
}

Result<void> load_module(const char* path) {
  const int fd = ::open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return Error::system("cannot open module", errno);
  const long loaded = ::syscall(SYS_finit_module, fd, "", 0);
  const int error = errno;
  ::close(fd);
  if (loaded != 0 && error != EEXIST) return Error::system("cannot load module", error);
  ::unlink(path);
  return {};
}

void end_machine(FinalAction action) {
  ::sync();
  ::sleep(kSettleSeconds);
  prefer_warm_reset();
  if (action == FinalAction::power_off) ::reboot(RB_POWER_OFF);
  if (action == FinalAction::halt) ::reboot(static_cast<int>(RB_HALT_SYSTEM));
  ::reboot(RB_AUTOBOOT);
  log_line("the kernel refused to reset the machine");
  for (;;) ::pause();
}

}  // namespace warmdump
