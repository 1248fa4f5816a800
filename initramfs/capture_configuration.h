// The text of /warmdump.conf, by which `arm` tells the capture what to do: "key=value" lines, read by the
// capture in the crash kernel.

#pragma once

#include <map>
#include <string>
#include <vector>

#include "common/units.h"

namespace warmdump {

// What the crash kernel does after the capture.
enum class ResetMode { warm, off, none };  // reset=warm | off (power off) | none (stop, for debugging)

struct CaptureConfiguration {
  PhysicalAddress region_start = 0;
  ByteCount region_size = 0;
  unsigned dump_level = 31;  // 0-31, makedumpfile's bits
  ResetMode reset = ResetMode::warm;
  // Facts of this boot, stored in the dump as they are: "boot_id", "armed_at", "os_release", ... Keys are
  // [a-z0-9_]; in a value, line breaks become spaces and what exceeds kInfoValueSizeMax is cut.
  std::map<std::string, std::string> info;
  // Addresses of the running kernel by which the capture puts the dump into a better order.
  std::map<std::string, std::uint64_t> hints;
};

inline constexpr std::size_t kInfoValueSizeMax = 256;

// Module paths are those inside the image, in load order; an empty `pmem_module` means it is built in.
std::string capture_configuration_text(const CaptureConfiguration& configuration,
                                       const std::vector<std::string>& early_modules,
                                       const std::string& pmem_module);

}  // namespace warmdump
