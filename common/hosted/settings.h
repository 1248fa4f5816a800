// The settings of this machine, /etc/warmdump/warmdump.toml. What the command line says goes over them.
//
//   [arm]
//   dump_level = 31                # 0 to 31, what the dump leaves out
//   final_action = "warm"          # how the crash kernel ends
//   deadline_s = 3600              # the capture closes the dump after that time; 0: never
//   watchdog_s = 60                # a hardware watchdog cuts a capture that hangs; 0: left alone
//   append_cmdline = ""            # more options for the crash kernel
//   append_cpio = "/path"          # archive appended to the crash image
//   image = "/boot/crash-%v.img"   # crash image of mkinitramfs or dracut; %v: the kernel's version
//   trim = false                   # give back what the crash kernel does not need of crashkernel=
//   kexec_load_disabled = false    # let nobody load another kernel until the next boot
//   clear_memory_overwrite = false # have the firmware keep RAM over a reset; secrets stay in it too
//   [consent]
//   file = "/path"                 # its state goes into every dump
//   [plan]
//   size = "auto"                  # of the region

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/hosted/failure.h"

namespace warmdump {

inline constexpr const char* kSettingsPath = "/etc/warmdump/warmdump.toml";

// Empty: not in the file, the default holds. Values are checked by who uses them, but for their type.
struct Settings {
  struct Arm {
    std::optional<std::uint64_t> dump_level;
    std::optional<std::string> final_action;
    std::optional<std::uint64_t> deadline_s;
    std::optional<std::uint64_t> watchdog_s;
    std::optional<std::string> append_cmdline;
    std::optional<std::string> append_cpio;
    std::optional<std::string> image;
    std::optional<bool> trim;
    std::optional<bool> kexec_load_disabled;
    std::optional<bool> clear_memory_overwrite;
  } arm;
  struct Consent {
    std::optional<std::string> file;
  } consent;
  struct Plan {
    std::optional<std::string> size;
  } plan;
};

// ErrorCode::invalid, with `name` and the line, for what is no TOML, an unknown table or key, and a value of
// another type.
Outcome<Settings> parse_settings(std::string_view text, const std::string& name);

// A file that is not there has no settings; one that cannot be read is a failure.
Outcome<Settings> read_settings(const std::string& path = kSettingsPath);

}  // namespace warmdump
