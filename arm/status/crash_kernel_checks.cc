#include "arm/status/crash_kernel_checks.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "common/hosted/byte_count_text.h"

namespace warmdump {
namespace {

constexpr const char* kArm = "run `warmdump arm`";

const ArmRecord* record_of(const StatusFacts& facts) {
  const auto& record = facts.crash_kernel.record;
  return record && *record ? &**record : nullptr;
}

bool has(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

std::vector<std::string> missing_from(const std::vector<std::string>& wanted,
                                      const std::vector<std::string>& there) {
  std::vector<std::string> missing;
  std::copy_if(wanted.begin(), wanted.end(), std::back_inserter(missing),
               [&](const std::string& name) { return !has(there, name); });
  return missing;
}

// Nothing was armed, or nobody can tell: the check of the record says which.
Finding without_record() {
  return found_unknown("there is no record of what is loaded", kArm);
}

}  // namespace

Finding judge_crash_loop(const StatusFacts& facts) {
  if (!facts.crash_kernel.crash_loop) return not_seen(facts.crash_kernel.crash_loop);
  const auto& loop = *facts.crash_kernel.crash_loop;
  if (!loop || !loop->stands) return found_ok("none");
  if (facts.crash_kernel.loaded && *facts.crash_kernel.loaded) {
    return found_warning(
        fmt::format("{} are recorded, but a crash kernel is loaded", crash_loop_words(*loop)),
        "run `warmdump arm --after-crash-loop`, so that the next boot is armed too");
  }
  return found_failed(
      fmt::format("crash loop: {}, and no more is captured{}", crash_loop_words(*loop),
                  loop->first_directory.empty() ? "" : "; its first dump is " + loop->first_directory),
      fmt::format("ends when a boot has lasted {} minutes; sooner: warmdump arm --after-crash-loop",
                  loop->window_s / 60));
}

Finding judge_record(const StatusFacts& facts) {
  if (!facts.crash_kernel.record) return not_seen(facts.crash_kernel.record);
  const ArmRecord* record = record_of(facts);
  if (record == nullptr) return found_failed("warmdump has not armed this boot", kArm);
  const AddressRange armed{record->region_start, record->region_size};
  if (facts.region.region && *facts.region.region != armed) {
    return found_failed(fmt::format("armed for the region {}, this boot has {}", address_range_text(armed),
                                    address_range_text(*facts.region.region)),
                        kArm);
  }
  if (record->kernel_version != facts.crash_kernel.running_release) {
    return found_warning(
        fmt::format("armed at {} with the crash kernel {}, the running one is {}", record->armed_at,
                    record->kernel_version, facts.crash_kernel.running_release),
        "run `warmdump arm` without --kernel, unless that was the purpose");
  }
  return found_ok(fmt::format("armed at {} with {}", record->armed_at, record->kernel_version));
}

Finding judge_image_modules(const StatusFacts& facts) {
  const ArmRecord* record = record_of(facts);
  if (record == nullptr) return without_record();
  if (!facts.crash_kernel.needed_modules) return not_seen(facts.crash_kernel.needed_modules);
  const auto missing = missing_from(*facts.crash_kernel.needed_modules, record->modules);
  if (!missing.empty()) {
    return found_failed(
        fmt::format("the crash image lacks {}: it could not reach the region", fmt::join(missing, ", ")),
        "run `warmdump arm`, with --modules-dir if the crash kernel's modules lie elsewhere");
  }
  return found_ok(record->modules.empty() ? "all of it is built into the crash kernel"
                                          : fmt::format("{}", fmt::join(record->modules, ", ")));
}

Finding judge_memory_need(const StatusFacts& facts) {
  if (record_of(facts) == nullptr) return without_record();
  if (!facts.crash_kernel.reserved_size) return not_seen(facts.crash_kernel.reserved_size);
  if (!facts.crash_kernel.memory_need) return not_seen(facts.crash_kernel.memory_need);
  const CrashMemoryNeed& need = *facts.crash_kernel.memory_need;
  const ByteCount reserved = *facts.crash_kernel.reserved_size;
  const auto shortage = reservation_shortage(need, reserved);
  if (!shortage) {
    return found_ok(fmt::format("{} are reserved, {} would do", readable_byte_count(reserved),
                                readable_byte_count(need.comfortable)));
  }
  const std::string mend = fmt::format("put crashkernel={} on the kernel command line and reboot",
                                       exact_byte_count(need.comfortable));
  return reserved < need.least ? found_failed(*shortage, mend) : found_warning(*shortage, mend);
}

Finding judge_watchdog(const StatusFacts& facts) {
  const WatchdogFacts& watchdog = facts.crash_kernel.watchdog;
  if (!watchdog.is_running) {
    return found_ok(watchdog.is_there ? "the hardware watchdog is not armed" : "no hardware watchdog");
  }
  const ArmRecord* record = record_of(facts);
  if (record == nullptr) return without_record();
  const auto missing = missing_from(watchdog.modules, record->modules);
  if (!missing.empty()) {
    return found_warning(fmt::format("the hardware watchdog is armed, and the crash image lacks {}: unless "
                                     "that is built in, the watchdog cuts the capture",
                                     fmt::join(missing, ", ")),
                         "run `warmdump arm` again while the watchdog is armed");
  }
  return found_ok("armed, and the crash kernel takes it over");
}

Finding judge_reload(const StatusFacts& facts) {
  if (!facts.crash_kernel.load_disabled) return found_ok("loading is permitted");
  if (facts.crash_kernel.follows_memory && facts.crash_kernel.follows_processors) {
    return found_ok("loading is disabled; the kernel itself follows memory and processors that come or go");
  }
  return found_warning(
      "kernel.kexec_load_disabled is set: the crash kernel cannot be loaded again when memory or processors "
      "come or go",
      "reboot, and arm before it is set, after all memory is there");
}

Finding judge_modules_directory(const StatusFacts& facts) {
  const std::string folder = "/lib/modules/" + facts.crash_kernel.running_release;
  if (facts.crash_kernel.has_modules) return found_ok(folder + " is there");
  return found_warning(folder + " has gone: this boot can neither be armed again, nor its region be returned",
                       "install that kernel's package again, or reboot into the new one");
}

}  // namespace warmdump
