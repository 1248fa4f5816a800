#include "arm/load/crash_kernel.h"

#include <fmt/format.h>
#include <linux/kexec.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>

#include "common/hosted/byte_count_text.h"
#include "common/hosted/unique_fd.h"
#include "common/hosted/whole_file.h"

namespace warmdump {
namespace {

Outcome<std::uint64_t> read_number(const std::string& path) {
  const std::string text = TRY(read_whole_file(path, 64));
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end == text.data()) {
    return Failure(ErrorCode::corrupt, fmt::format("{} does not hold a number", path));
  }
  return number;
}

// "crash_size" as /sys/kernel/kexec_crash_size, or as /sys/kernel/kexec/crash_size.
Outcome<std::uint64_t> read_kexec_number(const std::string& name) {
  for (const char* prefix : {"/sys/kernel/kexec_", "/sys/kernel/kexec/"}) {
    auto number = read_number(prefix + name);
    if (number.has_value() || number.error().code != ErrorCode::not_found) return number;
  }
  return Failure(
      ErrorCode::unsupported,
      "this kernel cannot load a crash kernel (CONFIG_KEXEC_FILE, CONFIG_CRASH_DUMP), or /sys is not "
      "mounted");
}

constexpr const char* kLockdownPath = "/sys/kernel/security/lockdown";

// `lockdown` as /sys/kernel/security/lockdown reads, empty when it cannot be read.
std::string lockdown_reason(std::string_view lockdown) {
  constexpr const char* kUnsigned =
      "the kernel image has no signature by a key that it trusts: use the distribution's signed kernel, on a "
      "system "
      "that UEFI Secure Boot has started, since that brings the keys";
  constexpr const char* kNoCapability = "CAP_SYS_BOOT is missing";
  const auto open = lockdown.find('[');
  const auto close = lockdown.find(']', std::min(open, lockdown.size()));
  if (open == std::string_view::npos || close == std::string_view::npos) {
    return fmt::format("either the kernel is locked down (Secure Boot) and {}; or {}", kUnsigned,
                       kNoCapability);
  }
  const std::string_view level = lockdown.substr(open + 1, close - open - 1);
  if (level == "none") return kNoCapability;
  return fmt::format("the kernel is locked down ({}, as with Secure Boot) and {}", level, kUnsigned);
}

class SystemCrashKernelLoader : public CrashKernelLoader {
 public:
  Outcome<ByteCount> reserved_size() override { return read_kexec_number("crash_size"); }
  Outcome<bool> loaded() override { return TRY(read_kexec_number("crash_loaded")) != 0; }
  int load(int kernel_fd, int initrd_fd, const std::string& command_line) override {
    return call(kernel_fd, initrd_fd, command_line.size() + 1, command_line.c_str(), KEXEC_FILE_ON_CRASH);
  }
  int rehearse(int kernel_fd, const std::string& command_line) override {
    const auto lockdown = read_whole_file(kLockdownPath, 256);
    const auto other = read_kexec_number("loaded");
    if (!lockdown.has_value() || lockdown->find("[none]") != std::string::npos) return 0;
    if (!other.has_value() || *other != 0) return 0;
    const int load_errno =
        call(kernel_fd, -1, command_line.size() + 1, command_line.c_str(), KEXEC_FILE_NO_INITRAMFS);
    if (load_errno == 0) call(-1, -1, 0, nullptr, KEXEC_FILE_UNLOAD);
    return load_errno;
  }
  int unload() override { return call(-1, -1, 0, nullptr, KEXEC_FILE_UNLOAD | KEXEC_FILE_ON_CRASH); }
  std::string not_permitted_reason() override {
    if (::geteuid() != 0) return "this needs root";
    const auto disabled = read_number("/proc/sys/kernel/kexec_load_disabled");
    if (disabled.has_value() && *disabled != 0) {
      return "kernel.kexec_load_disabled is 1, which forbids it until the next boot";
    }
    // "none [integrity] confidentiality"; securityfs need not be mounted.
    const auto lockdown = read_whole_file(kLockdownPath, 256);
    return lockdown_reason(lockdown.has_value() ? *lockdown : "");
  }

 private:
  static int call(int kernel_fd, int initrd_fd, unsigned long size, const char* command_line,
                  unsigned long flags) {
    return ::syscall(SYS_kexec_file_load, kernel_fd, initrd_fd, size, command_line, flags) == 0 ? 0 : errno;
  }
};

constexpr const char* kNoReservation =
    "no memory is set apart for a crash kernel: add crashkernel=96M to the kernel command line and reboot";

// What an errno of kexec_file_load means here, and what to do.
Failure explain(const std::string& doing, int call_errno, ByteCount reserved_size,
                CrashKernelLoader& loader) {
  const auto failure = [&](ErrorCode code, const std::string& reason) {
    Failure result(code, fmt::format("{}: {}", doing, reason));
    result.system_errno = call_errno;
    return result;
  };
  switch (call_errno) {
    case EPERM:
      return failure(ErrorCode::no_permission, loader.not_permitted_reason());
    case EKEYREJECTED:
    case ENOKEY:
    case ENODATA:
    case EBADMSG:
    case ELIBBAD:
      return failure(
          ErrorCode::refused,
          "the kernel image has no signature this system trusts; use the distribution's signed kernel");
    case EADDRNOTAVAIL:
    case ENOMEM:
      return failure(
          ErrorCode::no_space,
          fmt::format("kernel and image do not fit into the {} of crashkernel=; make it larger and reboot",
                      readable_byte_count(reserved_size)));
    case ENOEXEC:
      return failure(ErrorCode::unsupported, "the kernel image is not one kexec can start");
    case ENOSYS:
      return failure(ErrorCode::unsupported, "this kernel lacks kexec_file_load (CONFIG_KEXEC_FILE)");
    case EBUSY:
      return failure(ErrorCode::busy, "another program is loading one at this moment; try again");
    case EINVAL:
      return failure(ErrorCode::invalid, "the kernel rejects the image or its command line (see dmesg)");
    default:
      return Failure::system(doing, call_errno);
  }
}

bool is_distrust(int load_errno) {
  return load_errno == EPERM || load_errno == EKEYREJECTED || load_errno == ENOKEY || load_errno == ENODATA ||
         load_errno == EBADMSG || load_errno == ELIBBAD;
}

std::string state_after_failure(CrashKernelLoader& loader) {
  const auto loaded = loader.loaded();
  if (!loaded.has_value()) return "";
  return *loaded ? "; the crash kernel loaded before is still in place"
                 : "; the crash kernel loaded before is gone, so a crash would now not be captured";
}

}  // namespace

CrashKernelLoader& system_crash_kernel_loader() {
  static SystemCrashKernelLoader loader;
  return loader;
}

Outcome<ByteCount> load_crash_kernel(CrashKernelLoader& loader, int kernel_fd, const std::string& initramfs,
                                     const std::string& command_line) {
  const ByteCount reserved_size = TRY(loader.reserved_size());
  if (reserved_size == 0) return Failure(ErrorCode::refused, kNoReservation);
  const UniqueFd initramfs_fd(::memfd_create("warmdump-crash-image", MFD_CLOEXEC));
  if (!initramfs_fd.valid()) return Failure::system("cannot create a file in memory", errno);
  TRY(write_all(initramfs_fd.get(), initramfs, "the crash image in memory"));
  const auto was_loaded = loader.loaded();
  if (was_loaded.has_value() && *was_loaded) {
    const int rehearsal = loader.rehearse(kernel_fd, command_line);
    if (is_distrust(rehearsal)) {
      Failure failure = explain("cannot load the crash kernel", rehearsal, reserved_size, loader);
      failure.message += state_after_failure(loader);
      return failure;
    }
  }
  const int load_errno = loader.load(kernel_fd, initramfs_fd.get(), command_line);
  if (load_errno != 0) {
    Failure failure = explain("cannot load the crash kernel", load_errno, reserved_size, loader);
    if (was_loaded.has_value() && *was_loaded) failure.message += state_after_failure(loader);
    return failure;
  }
  if (!TRY(loader.loaded())) {
    return Failure(ErrorCode::io, "the kernel took the crash kernel, but says that none is loaded");
  }
  return reserved_size;
}

Outcome<void> unload_crash_kernel(CrashKernelLoader& loader) {
  const int unload_errno = loader.unload();
  if (unload_errno != 0) return explain("cannot unload the crash kernel", unload_errno, 0, loader);
  if (TRY(loader.loaded())) return Failure(ErrorCode::io, "the crash kernel is still loaded");
  return {};
}

}  // namespace warmdump
