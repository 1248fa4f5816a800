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
//   direct = ""                    # where a dump is sent straight out of the region, without spool;
//   "upload":
//                                  # as [upload] says
//   direct_ca_file = ""            # PEM roots to trust there instead of the system's
//   direct_credentials_file = ""   # user:password or Bearer TOKEN for it
//   [upload]
//   to = ""                        # where saved dumps are sent; nowhere without it
//   endpoint = ""                  # of s3://, such as "https://rgw.example:7443"; by the region without it
//   region = ""                    # of s3://
//   addressing = "auto"            # of buckets: auto, path, virtual
//   ca_file = ""                   # PEM roots to trust instead of the system's
//   client_certificate_file = ""   # PEM, for servers that want to know the machine
//   client_key_file = ""           # PEM, mode 0600
//   credentials_file = ""          # mode 0600; its form depends on the destination
//   profile = ""                   # of s3://: section of credentials_file; "default"
//   credentials_from = ""          # of s3://: other places of credentials, such as "environment"
//   role_arn = ""                  # of s3://: a role that is taken on with ...
//   web_identity_token_file = ""   # ... this token
//   sts_endpoint = ""              # where; of AWS by the region
//   server_side_encryption = ""    # of s3://: AES256, aws:kms, aws:kms:dsse
//   kms_key_id = ""                # with aws:kms
//   proxy = ""                     # "http://HOST:PORT"
//   proxy_credentials_file = ""    # user:password for it
//   no_proxy = ""                  # hosts that are reached without it
//   broker_command = ""            # says for each object where it goes
//   broker_url = ""                # the same, asked by HTTP
//   part_size = "8M"               # pieces of an object, K, M, G
//   parallel = 2                   # so many of them at once
//   checksum = "none"              # beside MD5 and SHA-256: none, crc32c, sha256
//   bandwidth = "0"                # bytes a second, K, M, G; 0: any
//   device = ""                    # first part of every key; the host's name without it
//   vmcore = "always"              # after the report: always, asked (the server), never
//   daily_bytes = "0"              # in any 24 hours; 0: any
//   daily_dumps = 0                # in any 24 hours; 0: any
//   vmcores_per_signature_per_day = 3   # the report of further ones; 0: of all
//   spread_s = 600                 # first upload after a boot: so much later at most
//   give_up_days = 30              # a dump that could not be sent for so long is not tried again
//   metered = "report"             # over a link that costs: never, report, always
//   metered_command = ""           # exits with 0 when the link costs; NetworkManager is asked without it
//   on_battery = true              # send on battery, too
//   delete_sent = false            # remove a dump from the spool once it is sent

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/hosted/failure.h"
#include "common/units.h"

namespace warmdump {

inline constexpr const char* kSettingsPath = "/etc/warmdump/warmdump.toml";

// Empty: not in the file, the default holds. Values are checked by who uses them, but for their type; those
// of [upload] altogether.
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
  struct Upload {
    std::optional<std::string> to;
    std::optional<std::string> endpoint;
    std::optional<std::string> region;
    std::optional<std::string> addressing;
    std::optional<std::string> ca_file;
    std::optional<std::string> client_certificate_file;
    std::optional<std::string> client_key_file;
    std::optional<std::string> credentials_file;
    std::optional<std::string> profile;
    std::optional<std::string> credentials_from;
    std::optional<std::string> role_arn;
    std::optional<std::string> web_identity_token_file;
    std::optional<std::string> sts_endpoint;
    std::optional<std::string> server_side_encryption;
    std::optional<std::string> kms_key_id;
    std::optional<std::string> proxy;
    std::optional<std::string> proxy_credentials_file;
    std::optional<std::string> no_proxy;
    std::optional<std::string> broker_command;
    std::optional<std::string> broker_url;
    std::optional<ByteCount> part_size;
    std::optional<std::uint64_t> parallel;
    std::optional<std::string> checksum;
    std::optional<ByteCount> bandwidth;
    std::optional<std::string> device;
    std::optional<std::string> vmcore;
    std::optional<ByteCount> daily_bytes;
    std::optional<std::uint64_t> daily_dumps;
    std::optional<std::uint64_t> vmcores_per_signature_per_day;
    std::optional<std::uint64_t> spread_s;
    std::optional<std::uint64_t> give_up_days;
    std::optional<std::string> metered;
    std::optional<std::string> metered_command;
    std::optional<bool> on_battery;
    std::optional<bool> delete_sent;
    // The first mistake in [upload], in place of which nothing was taken. No failure of the file: neither the
    // crash kernel nor a dump may depend on it. Whoever uploads must look. Values are checked already.
    std::optional<Failure> wrong;
  } upload;
};

// ErrorCode::invalid, with `name` and the line, for what is no TOML, an unknown table or key, and a value of
// another type; in [upload] that is Upload::wrong.
Outcome<Settings> parse_settings(std::string_view text, const std::string& name);

// A file that is not there has no settings; one that cannot be read is a failure.
Outcome<Settings> read_settings(const std::string& path = kSettingsPath);

}  // namespace warmdump
