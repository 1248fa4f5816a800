// GRUB as Debian and Fedora configure it: /etc/default/grub and /etc/default/grub.d/*.cfg are shell files, of
// which grub-mkconfig makes the menu.
//
// Our words go into GRUB_CMDLINE_LINUX, which every entry has, recovery entries too: a boot without memmap=
// would overwrite a dump. Where grub.d is read, into a file of their own there; elsewhere into a marked block
// of /etc/default/grub. They stand in single quotes, since ! means something to some shells.

#pragma once

#include <memory>

#include "arm/boot_loader/boot_loader.h"

namespace warmdump {

inline constexpr const char* kGrubDefaults = "/etc/default/grub";
inline constexpr const char* kGrubDropIn = "/etc/default/grub.d/60-warmdump.cfg";

// /etc/default/grub is there.
bool has_grub(const MachineFiles& files);

std::unique_ptr<BootLoader> make_grub(const MachineFiles& files, CommandRunner& runner);

// The entries in the text of a grub.cfg: its `linux` lines; of a file by grub-mkconfig only those that it
// made for the Linux kernels of this system.
std::vector<BootEntry> entries_of_grub_menu(std::string_view text);

}  // namespace warmdump
