// The last act of the crash kernel: reset, power off or halt, by the first way that works. No heap.

#pragma once

#include <string_view>

#include "capture/capture_options.h"

namespace warmdump {

// The seam to what ends a machine; tests have one that refuses and remembers.
class MachineControl {
 public:
  // Writes out what is on its way to the memory, and waits.
  virtual void settle(unsigned seconds) = 0;
  // Writes a value to a file of /sys or /proc; a file that is not there is no matter.
  virtual void set(const char* path, std::string_view value) = 0;
  // reboot(2). Returns only when the kernel refuses.
  virtual void reboot(unsigned command) = 0;
  // Ends process 1: the kernel panics, and resets after panic= seconds.
  virtual void leave() = 0;

 protected:
  ~MachineControl() = default;
};

// Does `action`; what the kernel refuses is followed by the next way that brings the machine back: a reset
// through reboot(2), one through the SysRq key, which asks no driver, and a panic. After `halt` nothing
// follows. The way of the reset is chosen through /sys/kernel/reboot (Linux 5.11 and later; older kernels
// take it from reboot= on their command line, where `warmdump arm` puts it). Returns when nothing worked.
void end_machine(FinalAction action, MachineControl& control);

// The same for the real machine.
[[noreturn]] void end_machine(FinalAction action);

}  // namespace warmdump
