#include "capture/crash_kernel/watchdog.h"

#include <fcntl.h>
#include <linux/watchdog.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "capture/support/raw_log.h"

namespace warmdump {
namespace {

// What is assumed of a device that does not tell its timeout: less than any real one has by default.
constexpr unsigned kUnknownTimeoutSeconds = 4;

// Not ioctl(3): C libraries disagree about the type of its request.
bool control(int fd, unsigned long request, int& value) {
  return ::syscall(SYS_ioctl, fd, request, &value) == 0;
}

}  // namespace

bool SystemWatchdog::open() {
  for (const char* path : {"/dev/watchdog0", "/dev/watchdog"}) {
    fd_ = ::open(path, O_WRONLY | O_CLOEXEC);
    if (fd_ >= 0) return true;
    if (errno != ENOENT) log_error(path, Error::system("cannot open, ignoring", errno));
  }
  return false;
}

Result<unsigned> SystemWatchdog::set_timeout(unsigned seconds) {
  int timeout = static_cast<int>(seconds);
  // A device that cannot be told, or not this value, still has a timeout.
  if (!control(fd_, WDIOC_SETTIMEOUT, timeout) && !control(fd_, WDIOC_GETTIMEOUT, timeout)) {
    return Error::system("the watchdog does not tell its timeout", errno);
  }
  return timeout > 0 ? static_cast<unsigned>(timeout) : kUnknownTimeoutSeconds;
}

void SystemWatchdog::feed() {
  int unused = 0;
  if (control(fd_, WDIOC_KEEPALIVE, unused)) return;
  [[maybe_unused]] const auto written = ::write(fd_, "\0", 1);
}

void SystemWatchdog::disarm() {
  [[maybe_unused]] const auto written = ::write(fd_, "V", 1);
  int options = WDIOS_DISABLECARD;
  control(fd_, WDIOC_SETOPTIONS, options);
}

unsigned WatchdogFeeder::start(WatchdogDevice& device, unsigned seconds) {
  device_ = &device;
  const auto timeout = device.set_timeout(seconds);
  if (!timeout.has_value()) log_error("watchdog, ignoring", timeout.error());
  const unsigned real = timeout.has_value() ? *timeout : kUnknownTimeoutSeconds;
  interval_ms_ = std::uint64_t{real} * 1000 / 4;
  feed();
  return real;
}

void WatchdogFeeder::beat() {
  if (device_ != nullptr && clock_.now_ms() - fed_at_ms_ >= interval_ms_) feed();
}

void WatchdogFeeder::feed() {
  if (device_ == nullptr) return;
  device_->feed();
  fed_at_ms_ = clock_.now_ms();
}

void WatchdogFeeder::disarm() {
  if (device_ != nullptr) device_->disarm();
}

}  // namespace warmdump
