#include "arm/machine/memory_encryption.h"

#include <algorithm>
#include <string_view>

#include "arm/machine/command_line.h"

namespace warmdump {
namespace {

// /proc/cpuinfo grows with the processors; the first one's flags are all that is read.
constexpr ByteCount kCpuInfoMax = 64 * kMiB;

// The value of the first line "name : value".
std::string_view first_value(std::string_view text, std::string_view name) {
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    const std::size_t colon = line.find(':');
    if (line.starts_with(name) && colon != std::string_view::npos &&
        line.substr(name.size(), colon - name.size()).find_first_not_of(" \t") == std::string_view::npos) {
      return line.substr(colon + 1);
    }
  }
  return {};
}

bool has_word(std::string_view words, std::string_view word) {
  while (!words.empty()) {
    const std::string_view next = words.substr(0, words.find(' '));
    if (next == word) return true;
    words.remove_prefix(std::min(next.size() + 1, words.size()));
  }
  return false;
}

}  // namespace

MemoryEncryption find_memory_encryption(const MachineFiles& files) {
  MemoryEncryption facts;
  const auto cpu_info = files.read("/proc/cpuinfo", kCpuInfoMax);
  const std::string_view flags = cpu_info.has_value() ? first_value(*cpu_info, "flags") : std::string_view();
  facts.sme_offered = has_word(flags, "sme");
  facts.tme_offered = has_word(flags, "tme");
  facts.encrypted_guest = has_word(flags, "tdx_guest") || files.exists("/dev/sev-guest") ||
                          files.exists("/dev/tdx_guest") || files.exists("/sys/devices/platform/sev-guest");
  const std::string command_line = files.line_or_empty("/proc/cmdline");
  for (const std::string_view option : command_line_options(command_line)) {
    if (option.starts_with("mem_encrypt=")) facts.sme_wanted = option == "mem_encrypt=on";
  }
  return facts;
}

}  // namespace warmdump
