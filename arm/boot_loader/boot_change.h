// Makes the change of a boot loader's files: all of it, or none.

#pragma once

#include "arm/boot_loader/boot_loader.h"

namespace warmdump {

// Writes the files and has the loader read them back (see BootLoader::verify()); if a file cannot be written
// or is not read back as meant, those written before get their old text again. Then runs the commands; one
// that fails is ErrorCode::io, and the files stay: the message says what to run again.
Outcome<void> make_boot_change(BootLoader& loader, const BootLoaderChange& change,
                               const std::vector<std::string>& words, const MachineFiles& files,
                               CommandRunner& runner);

}  // namespace warmdump
