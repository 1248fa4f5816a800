#include "arm/machine/memory_fingerprint.h"

#include <fmt/format.h>

#include "common/hosted/sha256.h"

namespace warmdump {

Outcome<std::string> memory_fingerprint(const MachineFiles& files, const MemoryMap& map) {
  std::string text = "cpus " + files.line_or_empty("/sys/devices/system/cpu/present") + "\n";
  for (const MapEntry& entry : map.entries) {
    if (entry.name.starts_with(kSystemRamName)) {
      text += fmt::format("{:x} {:x}\n", entry.range.start, entry.range.size);
    }
  }
  return sha256_text(text);
}

bool kernel_updates_elfcorehdr(const MachineFiles& files) {
  for (const char* kind : {"memory", "cpu"}) {
    if (files.line_or_empty(std::string("/sys/devices/system/") + kind + "/crash_hotplug") != "1") {
      return false;
    }
  }
  return true;
}

}  // namespace warmdump
