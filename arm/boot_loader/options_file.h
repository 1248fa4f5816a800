// A plain file with one line of kernel options, for image builders; /etc/kernel/cmdline is one too.

#pragma once

#include <memory>

#include "arm/boot_loader/boot_loader.h"

namespace warmdump {

std::unique_ptr<BootLoader> make_options_file(const MachineFiles& files, const std::string& path);

// The change of one such file: our words between their marks, without those the admin has in it. A file that
// is not there is made, and removed again with our words.
Outcome<FileChange> change_options_file(const MachineFiles& files, const std::string& path,
                                        const std::vector<std::string>& words);

}  // namespace warmdump
