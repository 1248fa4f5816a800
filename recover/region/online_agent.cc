#include "recover/region/online_agent.h"

#include <algorithm>
#include <fstream>
#include <vector>

#include "recover/region/kernel_memory.h"

namespace warmdump {
namespace {

namespace fs = std::filesystem;

// Where udev looks for rules; a rule here brings memory online when it names both words.
// To add one: its directory below the root.
constexpr const char* kRuleDirectories[] = {"etc/udev/rules.d", "run/udev/rules.d", "usr/lib/udev/rules.d",
                                            "lib/udev/rules.d"};
constexpr const char* kDaxctlDirectories[] = {"etc/daxctl.conf.d", "etc/ndctl.conf.d"};

bool has_line_with(const fs::path& file, const char* first, const char* second) {
  std::ifstream stream(file);
  for (std::string line; std::getline(stream, line);) {
    if (line.starts_with('#')) continue;
    if (line.find(first) != std::string::npos && line.find(second) != std::string::npos) return true;
  }
  return false;
}

std::vector<std::string> files_with(const fs::path& root, const char* directory, const char* first,
                                    const char* second) {
  std::vector<std::string> found;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(root / directory, ignored)) {
    if (has_line_with(entry.path(), first, second)) {
      found.push_back("/" + (fs::path(directory) / entry.path().filename()).string());
    }
  }
  std::sort(found.begin(), found.end());
  return found;
}

}  // namespace

std::string likely_online_agent(const fs::path& root) {
  std::vector<std::string> agents;
  const std::string policy = read_line(root / "sys/devices/system/memory/auto_online_blocks");
  if (!policy.empty() && policy != "offline" && policy != "online_movable") {
    agents.push_back("the kernel's policy auto_online_blocks=" + policy +
                     " (memhp_default_state= on its command line sets it)");
  }
  for (const char* directory : kRuleDirectories) {
    if (directory == std::string("lib/udev/rules.d") && fs::is_symlink(root / "lib")) continue;
    for (const std::string& file : files_with(root, directory, "\"memory\"", "online")) {
      agents.push_back("the udev rule " + file);
    }
  }
  for (const char* directory : kDaxctlDirectories) {
    for (const std::string& file : files_with(root, directory, "system-ram", "=")) {
      agents.push_back("daxctl by " + file);
    }
  }
  if (agents.empty()) return "no rule or policy was found that does so: a service, or somebody by hand";
  std::string text = "likely ";
  for (std::size_t i = 0; i < agents.size(); ++i) text += (i == 0 ? "" : ", or ") + agents[i];
  return text;
}

}  // namespace warmdump
