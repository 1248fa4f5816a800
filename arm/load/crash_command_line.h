// The command lines warmdump makes: what it adds to that of the running system, and that of the crash kernel.

#pragma once

#include <string>
#include <string_view>

#include "arm/machine/memory_map.h"
#include "common/hosted/failure.h"
#include "initramfs/capture_configuration.h"

namespace warmdump {

// What the boot loader has to add: the region, and memory for the crash kernel.
std::string running_command_line_options(const AddressRange& region);

// How the crash kernel ends.
struct CrashEnd {
  ResetMode reset = ResetMode::warm;
  bool keeps_watchdog = false;  // over the reset, so that one that hangs is cut
};

// The crash kernel's own options: the region (kexec_file_load does not hand it on), one CPU, no address
// randomisation, devices reset before use, and the reset if it panics itself: kernels older than 5.11 take
// the capture's own reset from there too.
std::string crash_command_line_options(const AddressRange& region, const CrashEnd& end = {});

// The whole command line of the crash kernel: crash_command_line_options(), then console=, earlyprintk= and
// no_timer_check options of the running kernel, then `appended`. ErrorCode::invalid when it is longer than
// the kernel takes.
Outcome<std::string> crash_command_line(const AddressRange& region, const CrashEnd& end,
                                        std::string_view running_command_line, std::string_view appended);

}  // namespace warmdump
