// A kernel's build configuration, as far as the crash image depends on it.

#pragma once

#include <set>
#include <string>
#include <string_view>

namespace warmdump {

class KernelConfig {
 public:
  // Knows nothing: every setting counts as off.
  KernelConfig() = default;

  // Text of a .config file. Lines that are not "CONFIG_X=y" count as off.
  static KernelConfig parse(std::string_view text);

  // Built into the kernel (=y). Without the CONFIG_ prefix: enabled("RD_XZ").
  bool enabled(std::string_view setting) const { return enabled_.find(setting) != enabled_.end(); }

  bool known() const { return !enabled_.empty(); }

 private:
  std::set<std::string, std::less<>> enabled_;
};

// Where the configuration of kernel `version` is kept, read from the first place that has it:
// config-<version> beside the kernel image, /boot/config-<version>, <modules_directory>/config, and
// /proc/config.gz when `version` is the running kernel. Nowhere, or unreadable: a configuration that knows
// nothing, since a crash image can be made without.
KernelConfig find_kernel_config(const std::string& version, const std::string& kernel_path,
                                const std::string& modules_directory);

}  // namespace warmdump
