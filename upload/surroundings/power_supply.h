// Does the machine run on its battery?

#pragma once

#include <filesystem>

namespace warmdump {

inline constexpr const char* kPowerSupplies = "/sys/class/power_supply";

// True when a battery of the machine discharges and no mains or USB supply is online (Linux's
// Documentation/ABI/testing/sysfs-class-power). Batteries of mice and the like (scope Device) do not count. A
// machine that tells nothing is not on battery.
bool is_on_battery(const std::filesystem::path& power_supplies = kPowerSupplies);

}  // namespace warmdump
