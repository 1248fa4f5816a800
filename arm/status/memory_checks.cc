#include "arm/status/memory_checks.h"

#include <fmt/format.h>

namespace warmdump {
namespace {

bool is_memory_already(const StatusFacts& facts) {
  const auto& device = facts.region.device;
  return device && *device && (*device)->use == RegionUse::system_ram;
}

}  // namespace

Finding judge_auto_online(const StatusFacts& facts) {
  const std::string& policy = facts.region.auto_online_policy;
  if (policy.empty()) return found_ok("this kernel has no policy");
  if (policy == "offline" || policy == "online_movable") return found_ok(policy);
  const std::string mend =
      "echo online_movable > /sys/devices/system/memory/auto_online_blocks; for good: "
      "memhp_default_state=online_movable on the kernel command line";
  if (policy == "online_kernel") {
    return found_warning("online_kernel: new memory is the kernel's, whoever adds it", mend);
  }
  if (is_memory_already(facts)) {
    return found_ok(policy + "; the region became memory past it, as `warmdump recover` does it");
  }
  return found_warning(policy +
                           ": should anybody but `warmdump recover` make the region memory, the kernel may "
                           "put its own data there",
                       mend);
}

Finding judge_udev_rules(const StatusFacts& facts) {
  if (facts.system.memory_rules.empty()) return found_ok("none");
  const MemoryOnlineRule& rule = facts.system.memory_rules.front();
  const std::size_t more = facts.system.memory_rules.size() - 1;
  const std::string name = rule.file.substr(rule.file.find_last_of('/') + 1);
  return found_warning(
      fmt::format("{} line {} writes \"{}\" to the state of new memory{}", rule.file, rule.line, rule.value,
                  more == 0 ? "" : fmt::format("; {} more rules do", more)),
      fmt::format("have it write \"online_movable\", in a copy at /etc/udev/rules.d/{0}; or take it away: "
                  "ln -s /dev/null /etc/udev/rules.d/{0}",
                  name));
}

}  // namespace warmdump
