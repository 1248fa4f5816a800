#include "arm/machine/watchdog_device.h"

#include <algorithm>
#include <filesystem>

namespace warmdump {
namespace {

// Drivers of the devices from the watchdog's own up to the root, outermost first.
std::vector<std::string> drivers_of(const std::filesystem::path& watchdog,
                                    const std::filesystem::path& devices) {
  std::vector<std::string> modules;
  std::error_code error;
  std::filesystem::path device = std::filesystem::canonical(watchdog / "device", error);
  if (error) return modules;
  for (; device != devices && device.has_relative_path(); device = device.parent_path()) {
    const auto module = std::filesystem::canonical(device / "driver/module", error);
    if (!error) modules.push_back(module.filename().string());
  }
  std::reverse(modules.begin(), modules.end());
  return modules;
}

// Modules that use the watchdog core: every watchdog driver does.
std::vector<std::string> users_of_core(const std::filesystem::path& holders) {
  std::vector<std::string> modules;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(holders, error)) {
    modules.push_back(entry.path().filename().string());
  }
  std::sort(modules.begin(), modules.end());
  return modules;
}

}  // namespace

WatchdogFacts find_watchdog(const MachineFiles& files) {
  const std::string watchdog = "/sys/class/watchdog/watchdog0";
  WatchdogFacts facts;
  std::error_code error;
  if (!std::filesystem::exists(files.path(watchdog), error)) return facts;
  const std::string state = files.line_or_empty(watchdog + "/state");
  facts.is_there = true;
  facts.is_running = state.empty() || state == "active";
  facts.modules =
      drivers_of(files.path(watchdog), std::filesystem::canonical(files.path("/sys/devices"), error));
  if (facts.modules.empty()) facts.modules = users_of_core(files.path("/sys/module/watchdog/holders"));
  return facts;
}

}  // namespace warmdump
