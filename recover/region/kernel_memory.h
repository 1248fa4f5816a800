// What recovery reads and sets of the kernel's memory management, outside of libndctl and libdaxctl.

#pragma once

#include <string>
#include <vector>

#include "common/hosted/failure.h"
#include "common/units.h"

namespace warmdump {

// MemTotal of /proc/meminfo in bytes, 0 when unreadable.
ByteCount read_memory_total();

// As long as it lives, memory that is added comes online as Movable: by the kernel itself, so before any udev
// rule can bring it online in another zone. Restores the policy it found. Where the kernel has no policy to
// set, nothing happens, and the blocks are brought online one by one.
class MovableOnlinePolicy {
 public:
  MovableOnlinePolicy();
  MovableOnlinePolicy(const MovableOnlinePolicy&) = delete;
  MovableOnlinePolicy& operator=(const MovableOnlinePolicy&) = delete;
  ~MovableOnlinePolicy();

 private:
  std::string previous_;  // empty: nothing to restore
};

// Runs modprobe, unless the module is there already, and waits for it. Error not_found when it cannot be
// loaded.
Outcome<void> load_kernel_module(const std::string& name);

// The same for several, by one modprobe: what can be loaded is, whatever becomes of the others.
Outcome<void> load_kernel_modules(const std::vector<std::string>& names);

// First line of a sysfs file, empty when unreadable.
std::string read_line(const std::string& path);

// False when the kernel refused.
bool write_line(const std::string& path, const std::string& text);

}  // namespace warmdump
