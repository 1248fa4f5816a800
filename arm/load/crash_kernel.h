// Loads and unloads the crash kernel, and explains the kernel's refusals.

#pragma once

#include <string>

#include "common/hosted/failure.h"
#include "common/units.h"

namespace warmdump {

// The kernel's side of it. The real one: system_crash_kernel_loader(); tests have their own.
class CrashKernelLoader {
 public:
  virtual ~CrashKernelLoader() = default;

  virtual Outcome<ByteCount> reserved_size() = 0;  // memory set apart by crashkernel=, 0 for none
  virtual Outcome<bool> loaded() = 0;
  // 0 or an errno. The descriptors are only read; they stay the caller's.
  virtual int load(int kernel_fd, int initrd_fd, const std::string& command_line) = 0;
  virtual int unload() = 0;
  // What a locked-down kernel says of this kernel image, found out where it costs the loaded crash kernel
  // nothing: loaded as a kernel to reboot into, and unloaded at once. 0 also where that cannot be tried: a
  // kernel that is not locked down, or one that has a kernel to reboot into already.
  virtual int rehearse(int kernel_fd, const std::string& command_line) = 0;
  // After EPERM: why the kernel does not permit it, and what to do.
  virtual std::string not_permitted_reason() = 0;
};

// kexec_file_load(2), /sys/kernel/kexec_crash_size and kexec_crash_loaded (or /sys/kernel/kexec/crash_*,
// where newer kernels keep them).
CrashKernelLoader& system_crash_kernel_loader();

// Loads kernel and initramfs over what was loaded, without unloading that first, and makes sure that the
// kernel says so. Both use the same memory, so the kernel gives up the old one inside the call, once it has
// checked permission and that no other load is going on, and before it looks at the new image
// (kernel/kexec_file.c): a failure after that leaves none, and its message says which it is. A locked-down
// kernel is asked beforehand whether it trusts the image. Returns the reserved size.
Outcome<ByteCount> load_crash_kernel(CrashKernelLoader& loader, int kernel_fd, const std::string& initramfs,
                                     const std::string& command_line);

Outcome<void> unload_crash_kernel(CrashKernelLoader& loader);

}  // namespace warmdump
