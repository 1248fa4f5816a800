// The kernel's side of loading a crash kernel, in memory.

#pragma once

#include <unistd.h>

#include "arm/load/crash_kernel.h"

namespace warmdump {

class FakeLoader : public CrashKernelLoader {
 public:
  Outcome<ByteCount> reserved_size() override { return reserved; }
  Outcome<bool> loaded() override { return is_loaded && !forgets; }
  int load(int, int initrd_fd, const std::string& line) override {
    ++loads;
    if (load_errno != 0) {
      is_loaded = is_loaded && !frees_on_failure;
      return load_errno;
    }
    command_line = line;
    initramfs.resize(initramfs_size_max);
    const ssize_t size = ::pread(initrd_fd, initramfs.data(), initramfs.size(), 0);
    initramfs.resize(size < 0 ? 0 : static_cast<std::size_t>(size));
    is_loaded = true;
    return 0;
  }
  int rehearse(int, const std::string&) override { return rehearsal_errno; }
  int unload() override {
    is_loaded = false;
    return load_errno;
  }

  std::string not_permitted_reason() override { return "locked down"; }

  static constexpr std::size_t initramfs_size_max = 16 * kMiB;
  ByteCount reserved = 128 * kMiB;
  int load_errno = 0;
  int rehearsal_errno = 0;
  bool forgets = false;  // takes the image, but says that none is loaded
  bool is_loaded = false;
  bool frees_on_failure = false;  // what was loaded, as the kernel does once it looks at a new image
  int loads = 0;
  std::string command_line;
  std::string initramfs;
};

}  // namespace warmdump
