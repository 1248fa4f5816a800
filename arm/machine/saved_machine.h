// Saves what read_machine() reads, so that a region can be planned for a machine that is somewhere else.
//
// The folder mirrors the root: DIR/proc/iomem, DIR/sys/firmware/memmap/0/start, ... Memory blocks go into one
// file, DIR/lsmem, instead of thousands. Nothing secret is read; the kernel command line is saved as it is.

#pragma once

#include <string>

#include "arm/machine/machine_files.h"
#include "common/hosted/failure.h"

namespace warmdump {

// Creates `folder`, which must not exist or be empty (ErrorCode::refused). On failure it holds what was
// written until then. Fails where read_machine() would: needs root.
Outcome<void> save_machine(const MachineFiles& files, const std::string& folder);

}  // namespace warmdump
