// What the running system tells of how the boot before it ended, besides the region: records of a panic in
// pstore, and reasons of a reset. Nothing is deleted or changed.
//
// Read below a folder that stands for the root, so that tests have files of their own:
//
//   /sys/fs/pstore/dmesg-*                 the kernel's log of a panic: EFI variables, ERST, ramoops ...
//   /var/lib/systemd/pstore/**/dmesg-*     the same, where systemd-pstore(8) has moved it to
//   /sys/class/watchdog/*/bootstatus       WDIOF_* flags: what the watchdog's hardware says of the last reset
//   /sys/devices/platform/**/power_on_reason   in words, of machines whose reset controller tells
//   /sys/firmware/acpi/tables/data/BERT    an error of the hardware that the firmware noted (ACPI 18.3.1)

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace warmdump {

inline constexpr const char* kWatchdogReset = "watchdog timeout";

struct PanicRecord {
  std::string text;                       // one line of the log, without its time
  std::optional<std::uint64_t> uptime_s;  // of the last line
};

struct ResetReason {
  std::string text;  // "watchdog timeout", "overheating" ...
  std::string file;
  bool is_watchdog() const { return text == kWatchdogReset; }
};

struct BootEvidence {
  std::optional<PanicRecord> panic;      // of a record that is not among `known_panics`
  std::vector<std::string> panics_seen;  // digests of all records there are
  std::optional<ResetReason> reset;      // when it is one of no orderly restart
};

// `known_panics`: digests of records that were there in an earlier boot; they tell nothing of the last one.
BootEvidence gather_boot_evidence(const std::string& root, const std::vector<std::string>& known_panics);

// The log of a kernel as pstore keeps it, in one or several parts. Nothing when it is of no panic.
std::optional<PanicRecord> parse_panic_record(std::string_view text);

// The time in front of the last line that has one, "[   12.345678] ..."; whole seconds.
std::optional<std::uint64_t> last_log_time(std::string_view log);

// What WDIOF_* flags say of a reset; empty: nothing, or an ordinary one.
std::string watchdog_reset_reason(std::uint64_t bootstatus);

}  // namespace warmdump
