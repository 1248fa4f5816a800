// What the kernel says of its crash kernel, and what `warmdump arm` has written down about it.

#pragma once

#include <optional>
#include <string>
#include <vector>

#include "arm/load/crash_memory_need.h"
#include "arm/machine/machine_files.h"
#include "arm/machine/memory_map.h"
#include "arm/machine/watchdog_device.h"
#include "arm/status/finding.h"
#include "common/hosted/arm_record.h"
#include "common/hosted/crash_loop_record.h"

namespace warmdump {

struct CrashKernelFacts {
  std::string running_release;  // uname -r
  Seen<bool> loaded;
  Seen<ByteCount> reserved_size;
  // The kernel rewrites the loaded crash kernel's memory map by itself when memory, or a processor, comes or
  // goes (CONFIG_CRASH_HOTPLUG).
  bool follows_memory = false;
  bool follows_processors = false;
  bool load_disabled = false;             // kernel.kexec_load_disabled, or no load left of its limit
  Seen<std::optional<ArmRecord>> record;  // of this boot; empty: never armed
  Seen<std::optional<CrashLoopRecord>> crash_loop;  // empty: there was none

  // Of the armed crash kernel; seen only with a record.
  Seen<CrashMemoryNeed> memory_need;
  Seen<std::vector<std::string>> needed_modules;  // beside what is built in
  // Of the running kernel.
  bool has_modules = false;  // /lib/modules/<release>/modules.dep is there
  WatchdogFacts watchdog;
};

CrashKernelFacts gather_crash_kernel_facts(const MachineFiles& files);

}  // namespace warmdump
