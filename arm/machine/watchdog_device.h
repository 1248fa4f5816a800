// The hardware watchdog of the running machine, and the modules that the crash kernel needs for it.

#pragma once

#include <string>
#include <vector>

#include "arm/machine/machine_files.h"

namespace warmdump {

struct WatchdogFacts {
  bool is_there = false;
  // Armed and fed by somebody: it goes on counting through the crash, and resets the machine in the middle of
  // the capture if the crash kernel does not take over.
  bool is_running = false;
  // Of its driver and of the devices it sits on, outermost first, as /sys/module names them; a driver built
  // into the kernel may be missing here.
  std::vector<std::string> modules;
};

// /sys/class/watchdog/watchdog0. Where the kernel does not tell the state
// (CONFIG_WATCHDOG_SYSFS off), a watchdog counts as running.
WatchdogFacts find_watchdog(const MachineFiles& files);

}  // namespace warmdump
