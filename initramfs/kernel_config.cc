#include "initramfs/kernel_config.h"

#include <sys/utsname.h>

#include <filesystem>
#include <vector>

#include "common/hosted/whole_file.h"
#include "initramfs/compressor.h"

namespace warmdump {
namespace {

constexpr ByteCount kConfigSizeMax = 4 * kMiB;  // today's are 0.3 MiB

}  // namespace

KernelConfig KernelConfig::parse(std::string_view text) {
  constexpr std::string_view kPrefix = "CONFIG_";
  constexpr std::string_view kBuiltIn = "=y";
  KernelConfig config;
  while (!text.empty()) {
    std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    if (!line.starts_with(kPrefix) || !line.ends_with(kBuiltIn)) continue;
    line.remove_prefix(kPrefix.size());
    line.remove_suffix(kBuiltIn.size());
    config.enabled_.emplace(line);
  }
  return config;
}

KernelConfig find_kernel_config(const std::string& version, const std::string& kernel_path,
                                const std::string& modules_directory) {
  const std::string name = "config-" + version;
  std::vector<std::string> places = {std::filesystem::path(kernel_path).replace_filename(name).string(),
                                     "/boot/" + name, modules_directory + "/config"};
  utsname running{};
  if (::uname(&running) == 0 && version == running.release) places.emplace_back("/proc/config.gz");
  for (const std::string& place : places) {
    auto stored = read_whole_file(place, kConfigSizeMax);
    if (!stored.has_value()) continue;
    auto text = decompress_by_magic(*stored, kConfigSizeMax);
    if (!text.has_value()) continue;
    if (KernelConfig config = KernelConfig::parse(*text); config.known()) return config;
  }
  return {};
}

}  // namespace warmdump
