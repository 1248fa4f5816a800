// The crash kernel around the capture when it is process 1: file systems, modules, the end. No heap.

#pragma once

#include "capture/capture_options.h"
#include "common/result.h"

namespace warmdump {

// Mounts /proc, /sys and /dev and opens the console, as far as that was not done yet.
Result<void> mount_system();

// Loads a module file and removes it: it takes memory of the crash kernel, whose files are in RAM. One that
// is loaded already is fine. Error io with the errno of finit_module(2).
Result<void> load_module(const char* path);

// Resets, powers off or halts the machine. Does not return: should the kernel refuse, it tries the next way.
[[noreturn]] void end_machine(FinalAction action);

}  // namespace warmdump
