#include "arm/status/system_facts.h"

#include <sys/statvfs.h>

#include <algorithm>
#include <array>
#include <filesystem>

namespace warmdump {
namespace {

constexpr std::array kUnitFolders = {"/etc/systemd/system", "/run/systemd/system", "/usr/lib/systemd/system",
                                     "/lib/systemd/system"};
constexpr const char* kUpstartFolder = "/etc/init";
constexpr const char* kUnitsOfThisBoot = "/run/systemd/units";

// To add one: the name of the unit that loads its crash kernel.
constexpr std::array kCrashToolUnits = {"kdump-tools.service", "kdump.service"};

bool is_in(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

// Some target wants or requires it, and it is not masked.
bool is_enabled(const MachineFiles& files, const std::string& unit) {
  bool wanted = false;
  for (const std::string folder : kUnitFolders) {
    if (files.link_target(folder + "/" + unit) == "/dev/null") return false;
    for (const std::string& name : files.names_in(folder)) {
      if (!name.ends_with(".wants") && !name.ends_with(".requires")) continue;
      wanted = wanted || is_in(files.names_in(folder + "/" + name), unit);
    }
  }
  return wanted;
}

// systemd keeps the id of a unit's last run of this boot there, as a link.
bool was_started(const MachineFiles& files, const std::string& unit) {
  return is_in(files.names_in(kUnitsOfThisBoot), "invocation:" + unit);
}

void look_at_boot(const MachineFiles& files, SystemFacts& facts) {
  const auto upstart_jobs = files.names_in(kUpstartFolder);
  if (is_in(upstart_jobs, "warmdump-recover.conf") || is_in(upstart_jobs, "warmdump-arm.conf")) {
    facts.boot_manager = "upstart";
    facts.recovers_at_boot = is_in(upstart_jobs, "warmdump-recover.conf");
    facts.arms_at_boot = is_in(upstart_jobs, "warmdump-arm.conf");
  } else if (files.exists("/run/systemd/system")) {
    facts.boot_manager = "systemd";
    facts.recovers_at_boot = is_enabled(files, "warmdump-recover.service");
    facts.arms_at_boot = is_enabled(files, "warmdump-arm.service");
  }
}

// The nearest folder above that exists tells for one that recovery has yet to make.
std::optional<ByteCount> space_for(const MachineFiles& files, const FreeSpace& free_space) {
  std::filesystem::path folder = kSpoolDirectory;
  while (folder.has_relative_path() && !files.exists(folder)) folder = folder.parent_path();
  return free_space(files.path(folder));
}

}  // namespace

std::optional<ByteCount> free_space_on_disk(const std::string& path) {
  struct statvfs numbers {};
  if (::statvfs(path.c_str(), &numbers) != 0) return std::nullopt;
  return ByteCount{numbers.f_bavail} * numbers.f_frsize;
}

SystemFacts gather_system_facts(const MachineFiles& files, const std::optional<AddressRange>& region,
                                const FreeSpace& free_space) {
  SystemFacts facts;
  facts.memory_overwrite = read_memory_overwrite(files);
  facts.memory_encryption = find_memory_encryption(files);
  facts.memory_rules = memory_online_rules(files);
  facts.panics_on_oops = files.line_or_empty("/proc/sys/kernel/panic_on_oops") == "1";
  facts.notifies_before_crash_kernel =
      files.line_or_empty("/sys/module/kernel/parameters/crash_kexec_post_notifiers") == "Y";
  for (const char* unit : kCrashToolUnits) {
    const CrashTool tool{unit, is_enabled(files, unit), was_started(files, unit)};
    if (tool.is_enabled || tool.was_started) facts.crash_tools.push_back(tool);
  }
  look_at_boot(files, facts);
  facts.spool_space = space_for(files, free_space);
  if (region) facts.boot_entries = find_boot_entries(files, *region);
  facts.retention = read_retention_outcome(files);
  return facts;
}

}  // namespace warmdump
