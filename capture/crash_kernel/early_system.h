// The crash kernel around the capture when it is process 1: file systems, console, modules. No heap.

#pragma once

#include <string_view>

#include "common/result.h"

namespace warmdump {

// Mounts /proc, /sys and /dev and opens the console, as far as that was not done yet. A console that does not
// take a line loses it, and stops nothing.
Result<void> mount_system();

// Loads a module and removes its file: it takes memory of the crash kernel, whose files are in RAM. A path,
// and the parameters behind a blank ("/modules/a.ko debug=1"). One that is loaded already is fine. Error io
// with the errno of finit_module(2).
Result<void> load_module(std::string_view module);

}  // namespace warmdump
