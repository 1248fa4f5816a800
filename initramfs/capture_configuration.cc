#include "initramfs/capture_configuration.h"

#include <fmt/format.h>

#include <iterator>

namespace warmdump {
namespace {

const char* reset_text(ResetMode reset) {
  switch (reset) {
    case ResetMode::warm:
      return "warm";
    case ResetMode::off:
      return "off";
    case ResetMode::none:
      return "none";
  }
  return "warm";
}

std::string one_line(std::string_view value) {
  std::string line(value.substr(0, kInfoValueSizeMax));
  for (char& character : line) {
    const auto code = static_cast<unsigned char>(character);
    if (code < 0x20 || code == 0x7f) character = ' ';
  }
  return line;
}

}  // namespace

std::string capture_configuration_text(const CaptureConfiguration& configuration,
                                       const std::vector<std::string>& early_modules,
                                       const std::string& pmem_module) {
  std::string text = fmt::format("region_start={:#x}\nregion_size={:#x}\ndump_level={}\nreset={}\n",
                                 configuration.region_start, configuration.region_size,
                                 configuration.dump_level, reset_text(configuration.reset));
  const auto out = std::back_inserter(text);
  for (const std::string& module : early_modules) fmt::format_to(out, "module={}\n", module);
  if (!pmem_module.empty()) fmt::format_to(out, "pmem_module={}\n", pmem_module);
  for (const auto& [name, value] : configuration.hints) fmt::format_to(out, "hint.{}={:#x}\n", name, value);
  for (const auto& [key, value] : configuration.info)
    fmt::format_to(out, "info.{}={}\n", key, one_line(value));
  return text;
}

}  // namespace warmdump
