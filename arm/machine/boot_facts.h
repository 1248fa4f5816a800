// Facts of the running boot that go into the crash image and from there into the dump, so that a dump tells
// which system crashed even after an update. Nothing secret: the machine id stays out, only a digest of it
// goes in, by which two dumps of one machine can be told to be that.

#pragma once

#include <map>
#include <string>
#include <string_view>

#include "arm/machine/machine_files.h"

namespace warmdump {

// What cannot be read is left out.
//
//   boot_id, hostname
//   armed_at            UTC, "2025-01-31T12:00:00Z"
//   kernel_release      uname -r
//   kernel_version      /proc/version
//   kernel_build_id     hexadecimal
//   os_release          PRETTY_NAME; and os_id, os_version (VERSION_ID), os_build (BUILD_ID), os_variant
//                       (VARIANT_ID), os_image (IMAGE_ID), os_image_version (IMAGE_VERSION)
//   machine_id_hash     machine_id_hash()
//   consent             of `consent_file`, if one is named: "given" when it is there, "none" when it is not,
//                       "unknown" when it cannot be looked at
//   consent_sha256      of its content
//   warmdump_version
std::map<std::string, std::string> gather_boot_facts(const MachineFiles& files,
                                                     const std::string& consent_file = "");

// 32 hexadecimal digits that stay the same for a machine and this program and do not tell the machine id: the
// first half of HMAC-SHA-256 with the machine id as key over an id of warmdump, as sd_id128_get_machine_app_
// specific(3) does it. Empty when `machine_id` is no machine id (machine-id(5)).
std::string machine_id_hash(std::string_view machine_id);

// The value of `key` in the text of an os-release file, without its quotes; empty when it is not there.
std::string os_release_value(std::string_view os_release, std::string_view key);

}  // namespace warmdump
