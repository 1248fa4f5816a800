#include "arm/status/system_checks.h"

#include <fmt/format.h>

#include "common/hosted/byte_count_text.h"

namespace warmdump {
namespace {

// Less than this holds not even the dump of an idle machine: 22 MB with 4 GiB of RAM.
constexpr ByteCount kSpoolSpaceMin = 32 * kMiB;

}  // namespace

Finding judge_oops(const StatusFacts& facts) {
  if (facts.system.panics_on_oops) return found_ok("kernel.panic_on_oops = 1");
  return found_warning("kernel.panic_on_oops = 0: the kernel goes on after an oops, without a dump",
                       "sysctl kernel.panic_on_oops=1; for good: a file in /etc/sysctl.d");
}

Finding judge_panic_notifiers(const StatusFacts& facts) {
  if (!facts.system.notifies_before_crash_kernel) return found_ok("the crash kernel comes first");
  return found_warning(
      "crash_kexec_post_notifiers: what hangs before the crash kernel starts costs the dump",
      "take crash_kexec_post_notifiers off the kernel command line, unless a hypervisor needs it");
}

Finding judge_crash_tools(const StatusFacts& facts) {
  for (const CrashTool& tool : facts.system.crash_tools) {
    const std::string mend = fmt::format("systemctl disable --now {}, then run `warmdump arm`", tool.unit);
    if (tool.was_started) {
      return found_failed(
          fmt::format("{} was started in this boot: whose crash kernel is loaded cannot be told", tool.unit),
          mend);
    }
    return found_warning(fmt::format("{} is enabled: it replaces the crash kernel when it starts", tool.unit),
                         mend);
  }
  return found_ok("none");
}

Finding judge_spool_space(const StatusFacts& facts) {
  const auto& space = facts.system.spool_space;
  if (!space) return found_unknown(fmt::format("the space below {} is not told", kSpoolDirectory), "");
  const std::string seen = fmt::format("{} free for {}", readable_byte_count(*space), kSpoolDirectory);
  const std::string mend = fmt::format(
      "make room there; until then a dump waits in the region, and {} gets it", "`warmdump recover`");
  if (*space < kSpoolSpaceMin) return found_failed(seen + ": no dump fits", mend);
  if (facts.region.region && *space < facts.region.region->size) {
    return found_warning(seen + fmt::format(", and a dump can fill the region's {}",
                                            readable_byte_count(facts.region.region->size)),
                         mend);
  }
  return found_ok(seen);
}

}  // namespace warmdump
