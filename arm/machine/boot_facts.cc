#include "arm/machine/boot_facts.h"

#include <algorithm>
#include <ctime>

namespace warmdump {
namespace {

std::string utc_now() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  char text[32];
  if (::gmtime_r(&now, &parts) == nullptr) return {};
  return {text, std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts)};
}

}  // namespace

std::string os_release_value(std::string_view os_release, std::string_view key) {
  while (!os_release.empty()) {
    std::string_view line = os_release.substr(0, os_release.find('\n'));
    os_release.remove_prefix(std::min(line.size() + 1, os_release.size()));
    if (!line.starts_with(key) || line.substr(key.size(), 1) != "=") continue;
    line.remove_prefix(key.size() + 1);
    if (line.size() >= 2 && (line.front() == '"' || line.front() == '\'') && line.front() == line.back()) {
      line = line.substr(1, line.size() - 2);
    }
    return std::string(line);
  }
  return {};
}

std::map<std::string, std::string> gather_boot_facts(const MachineFiles& files) {
  auto os_release = files.read("/etc/os-release");
  const std::string os_text =
      os_release.has_value() ? *os_release : files.line_or_empty("/usr/lib/os-release");
  const std::string hostname = files.line_or_empty("/proc/sys/kernel/hostname");
  std::map<std::string, std::string> facts = {
      {"armed_at", utc_now()},
      {"boot_id", files.line_or_empty("/proc/sys/kernel/random/boot_id")},
      {"hostname", hostname == "(none)" ? "" : hostname},
      {"kernel_release", files.line_or_empty("/proc/sys/kernel/osrelease")},
      {"os_release", os_release_value(os_text, "PRETTY_NAME")},
      {"os_version", os_release_value(os_text, "VERSION_ID")},
      {"warmdump_version", WARMDUMP_VERSION},
  };
  std::erase_if(facts, [](const auto& fact) { return fact.second.empty(); });
  return facts;
}

}  // namespace warmdump
