#include "arm/load/crash_command_line.h"

#include <fmt/format.h>

#include "arm/machine/command_line.h"

namespace warmdump {
namespace {

constexpr std::string_view kCrashKernelSize = "96M";

// What keeps the crash kernel small; a kernel that does not know one of them ignores it. Sizes as measured
// with Debian's 6.1, or of the kernel's defaults.
//
//   numa=off, cgroup_disable=memory   tables for nodes and groups
//   cgroup.memory=nokmem              4 MiB of accounting for per-CPU memory
//   swiotlb=noforce                   64 MiB of bounce buffers where memory is encrypted; nothing does DMA
//   kfence.sample_interval=0          2 MiB of guarded objects, where a distribution turns them on
//   initcall_blacklist=...            9 MiB of inodes of tracefs, before Linux 6.6
//   sysctl.vm.overcommit_memory=1     the capture's static storage may exceed RAM: it touches a fraction
//   acpi_no_memhotplug                it must not add the machine's memory to itself
constexpr std::string_view kMemorySavers =
    "numa=off cgroup_disable=memory cgroup.memory=nokmem swiotlb=noforce kfence.sample_interval=0 "
    "initcall_blacklist=tracer_init_tracefs sysctl.vm.overcommit_memory=1 acpi_no_memhotplug";

// COMMAND_LINE_SIZE of x86 with the final NUL, less what kexec_file_load puts in front: " elfcorehdr=0x..."
// (MAX_ELFCOREHDR_STR_LEN, arch/x86/kernel/kexec-bzimage64.c).
constexpr std::size_t kCommandLineMax = 2048 - 1 - 30;

// Consoles, and what an emulated machine needs: on a busy host the kernel's test of the timer fails.
constexpr std::string_view kInheritedPrefixes[] = {"console=",  "earlyprintk=", "earlyprintk",
                                                   "earlycon=", "earlycon",     "no_timer_check"};

bool inherited(std::string_view option) {
  for (const std::string_view prefix : kInheritedPrefixes) {
    if (prefix.ends_with('=') ? option.starts_with(prefix) : option == prefix) return true;
  }
  return false;
}

// Value of reboot= (kernel/reboot.c, reboot_setup).
std::string_view reboot_value(ResetMode reset) {
  switch (reset) {
    case ResetMode::cold:
      return "cold";
    case ResetMode::efi:
      return "warm,efi";
    case ResetMode::acpi:
      return "warm,acpi";
    case ResetMode::kbd:
      return "warm,kbd";
    case ResetMode::warm:
    case ResetMode::off:
    case ResetMode::halt:
      break;
  }
  return "warm";
}

bool blank(char character) {
  return character == ' ' || character == '\t' || character == '\n';
}

}  // namespace

std::string running_command_line_options(const AddressRange& region) {
  return fmt::format("memmap={} crashkernel={}", memmap_value(region), kCrashKernelSize);
}

std::string crash_command_line_options(const AddressRange& region, const CrashEnd& end) {
  return fmt::format("memmap={} nr_cpus=1 reset_devices irqpoll nokaslr panic=10 reboot={} {}{}",
                     memmap_value(region), reboot_value(end.reset), kMemorySavers,
                     end.keeps_watchdog ? " watchdog.stop_on_reboot=0" : "");
}

Outcome<std::string> crash_command_line(const AddressRange& region, const CrashEnd& end,
                                        std::string_view running_command_line, std::string_view appended) {
  std::string line = crash_command_line_options(region, end);
  for (const std::string_view option : command_line_options(running_command_line)) {
    if (inherited(option)) line.append(" ").append(option);
  }
  while (!appended.empty() && blank(appended.back())) appended.remove_suffix(1);
  while (!appended.empty() && blank(appended.front())) appended.remove_prefix(1);
  if (!appended.empty()) line.append(" ").append(appended);
  if (line.size() > kCommandLineMax) {
    return Failure(ErrorCode::invalid,
                   fmt::format("the crash kernel's command line has {} characters, {} at most", line.size(),
                               kCommandLineMax));
  }
  return line;
}

}  // namespace warmdump
