// What else of the system decides whether a dump comes to be, and is found at the next boot.

#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "arm/machine/machine_files.h"
#include "arm/machine/memory_encryption.h"
#include "arm/machine/memory_map.h"
#include "arm/machine/memory_overwrite.h"
#include "arm/machine/memory_udev_rules.h"
#include "arm/status/boot_entries.h"
#include "arm/status/finding.h"
#include "arm/status/retention_outcome.h"

namespace warmdump {

// Bytes that can still be written below `path`; nothing when that cannot be told. The real one:
// free_space_on_disk().
using FreeSpace = std::function<std::optional<ByteCount>(const std::string& path)>;
std::optional<ByteCount> free_space_on_disk(const std::string& path);

// Another program that loads crash kernels.
struct CrashTool {
  std::string unit;  // "kdump-tools.service"
  bool is_enabled = false;
  bool was_started = false;  // in this boot
};

struct SystemFacts {
  MemoryOverwriteState memory_overwrite;
  MemoryEncryption memory_encryption;
  std::vector<MemoryOnlineRule> memory_rules;

  bool panics_on_oops = false;
  bool notifies_before_crash_kernel = false;  // crash_kexec_post_notifiers

  std::vector<CrashTool> crash_tools;  // of those that are enabled or were started
  std::string boot_manager;            // "systemd", "upstart"; empty: neither was found
  bool recovers_at_boot = false;
  bool arms_at_boot = false;
  std::optional<ByteCount> spool_space;

  BootEntries boot_entries;

  Seen<RetentionOutcome> retention;
};

inline constexpr const char* kSpoolDirectory = "/var/crash";

// `region`: what boot entries are to have; nothing when there is none.
SystemFacts gather_system_facts(const MachineFiles& files, const std::optional<AddressRange>& region,
                                const FreeSpace& free_space);

}  // namespace warmdump
