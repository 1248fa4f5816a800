// systemd-boot: the `options` of its loader entries, and /etc/kernel/cmdline, which kernel-install(8) makes
// new entries of.
//
// An entry may have several `options` lines, which are joined (Boot Loader Specification): ours is one of its
// own in a marked block, and the admin's stay as they are.

#pragma once

#include <memory>

#include "arm/boot_loader/boot_loader.h"

namespace warmdump {

// Loader entries, or /etc/kernel/cmdline.
bool has_systemd_boot(const MachineFiles& files);

std::unique_ptr<BootLoader> make_systemd_boot(const MachineFiles& files);

// The joined `options` lines of an entry.
std::string options_of_loader_entry(std::string_view text);

// Paths of the entries (*.conf) in every place where the loader's partition may be mounted.
std::vector<std::string> loader_entries(const MachineFiles& files);

}  // namespace warmdump
