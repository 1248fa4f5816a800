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
//   fleet_public_key = "/path"     # dumps are encrypted for whoever has the private key to it
//   [consent]
//   file = "/path"                 # its state goes into every dump
//   [plan]
//   size = "auto"                  # of the region
//   [recover]
//   spool = "/var/crash"           # where dumps are kept
//   layout = "redhat"              # names and places in it: redhat, debian, suse, chromeos
//   format = "kdump"               # of the vmcore
//   compression = "zlib"           # of its pages
//   report = true                  # write report.html
//   redact = false                 # leave personal data out of the text files
//   user = "_warmdump"             # who reads dumps; may do nothing else
//   unauthenticated = "ask"        # what happens to a dump that nobody can judge: ask, keep, wipe
//   max_dumps = 0                  # dumps in the spool; 0: any number
//   max_bytes = "0"                # their size together, K, M, G; 0: any
//   min_free = "0"                 # space that stays free in the file system, K, M, G
//   crash_loop_count = 0           # so many crashes in crash_loop_minutes stop the capture; 0: never
//   crash_loop_minutes = 60
//   direct = ""                    # where a dump is sent straight out of the region, without spool
//   direct_ca_file = ""            # PEM roots to trust there instead of the system's
//   direct_credentials_file = ""   # user:password or Bearer TOKEN for it

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
    std::optional<std::string> fleet_public_key;
  } arm;
  struct Consent {
    std::optional<std::string> file;
  } consent;
  struct Plan {
    std::optional<std::string> size;
  } plan;
  struct Recover {
    std::optional<std::string> spool;
    std::optional<std::string> layout;
    std::optional<std::string> format;
    std::optional<std::string> compression;
    std::optional<bool> report;
    std::optional<bool> redact;
    std::optional<std::string> user;
    std::optional<std::string> unauthenticated;
    std::optional<std::uint64_t> max_dumps;
    std::optional<std::string> max_bytes;
    std::optional<std::string> min_free;
    std::optional<std::uint64_t> crash_loop_count;
    std::optional<std::uint64_t> crash_loop_minutes;
    std::optional<std::string> direct;
    std::optional<std::string> direct_ca_file;
    std::optional<std::string> direct_credentials_file;
  } recover;
};

// ErrorCode::invalid, with `name` and the line, for what is no TOML, an unknown table or key, and a value of
// another type.
Outcome<Settings> parse_settings(std::string_view text, const std::string& name);

// A file that is not there has no settings; one that cannot be read is a failure.
Outcome<Settings> read_settings(const std::string& path = kSettingsPath);

}  // namespace warmdump
