// Facts of the running boot that go into the crash image and from there into the dump, so that a dump tells
// which system crashed even after an update. Nothing secret: the machine id stays out.

#pragma once

#include <map>
#include <string>
#include <string_view>

#include "arm/machine/machine_files.h"

namespace warmdump {

// boot_id, armed_at (UTC, "2025-01-31T12:00:00Z"), os_release (PRETTY_NAME), os_version (VERSION_ID),
// hostname, kernel_release, warmdump_version. What cannot be read is left out.
std::map<std::string, std::string> gather_boot_facts(const MachineFiles& files);

// The value of `key` in the text of an os-release file, without its quotes; empty when it is not there.
std::string os_release_value(std::string_view os_release, std::string_view key);

}  // namespace warmdump
