// The modules the crash kernel loads to reach the region: the nvdimm core and the e820 bus first, the pmem
// disk driver last, after the capture has told the namespace to be raw. Never the DAX drivers: they would
// take the region as memory or as a character device before the capture can write to it.

#pragma once

#include <optional>
#include <string>
#include <vector>

#include "common/hosted/failure.h"
#include "initramfs/module_set.h"

namespace warmdump {

struct ModuleFile {
  std::string name;     // "libnvdimm"
  std::string content;  // decompressed; signature and all else left as it is, a kernel may insist on it
};

struct CrashModules {
  // Of the hardware watchdog; loaded before all others, so that it is fed as soon as may be.
  std::vector<ModuleFile> watchdog;
  std::vector<ModuleFile> early;   // in load order
  std::optional<ModuleFile> pmem;  // nd_pmem; none when it is built in
};

struct CrashModulePaths {
  std::vector<std::string> early;  // in load order, as in modules.dep
  std::optional<std::string> pmem;
};

// Fails with ErrorCode::unsupported when the kernel lacks a needed module, ErrorCode::refused when loading
// one would bring a DAX driver along.
Outcome<CrashModulePaths> choose_crash_modules(const ModuleSet& set);

// Reads them from `directory`, which holds modules.dep (usually /lib/modules/<version>). `watchdog_modules`
// and what they need come along; those it does not have, or that cannot be read, are named in `missing`.
Outcome<CrashModules> read_crash_modules(const std::string& directory,
                                         const std::vector<std::string>& watchdog_modules,
                                         std::vector<std::string>& missing);

// The same without a watchdog.
Outcome<CrashModules> read_crash_modules(const std::string& directory);

}  // namespace warmdump
