// What the elfcorehdr of a loaded crash kernel was made from: it is current as long as this stays the same.

#pragma once

#include <string>

#include "arm/machine/machine_files.h"
#include "arm/machine/memory_map.h"
#include "common/hosted/failure.h"

namespace warmdump {

// A digest of all System RAM, at any depth of the map (the kernel walks it so), and of the processors that
// are present.
Outcome<std::string> memory_fingerprint(const MachineFiles& files, const MemoryMap& map);

// The kernel brings the elfcorehdr of the loaded crash kernel up to date by itself, for memory and for
// processors: crash_hotplug below /sys/devices/system reads 1 (CONFIG_CRASH_HOTPLUG, Linux 6.6). It does so
// only while one is loaded that permits it.
bool kernel_updates_elfcorehdr(const MachineFiles& files);

}  // namespace warmdump
