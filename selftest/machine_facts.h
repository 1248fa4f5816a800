// Which machine a test's verdict is about: whether memory survives a reset is a matter of the firmware, and
// an update of it may change the answer.

#pragma once

#include <map>
#include <string>

#include "arm/machine/machine_files.h"

namespace warmdump {

// Of /sys/class/dmi/id: machine_vendor, machine, board, firmware_vendor, firmware_version, firmware_date;
// further firmware ("uefi" or "bios") and kernel (release). What cannot be read is left out. No serial
// numbers.
std::map<std::string, std::string> gather_machine_facts(const MachineFiles& files);

// What the running kernel would do to reset the machine, of /sys/kernel/reboot (since Linux 5.11): reset_mode
// ("cold", "warm"...), reset_type ("acpi", "efi"...). Left out where the kernel does not tell.
std::map<std::string, std::string> gather_reset_facts(const MachineFiles& files);

// Id of the running boot; empty when it cannot be read.
std::string boot_id(const MachineFiles& files);

}  // namespace warmdump
