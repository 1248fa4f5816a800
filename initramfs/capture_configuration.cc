#include "initramfs/capture_configuration.h"

#include <fmt/format.h>

#include <iterator>

namespace warmdump {
namespace {

struct ResetWord {
  ResetMode mode;
  std::string_view word;
};
constexpr ResetWord kResetWords[] = {
    {ResetMode::warm, "warm"}, {ResetMode::cold, "cold"}, {ResetMode::efi, "efi"},
    {ResetMode::acpi, "acpi"}, {ResetMode::kbd, "kbd"},   {ResetMode::off, "off"},
    {ResetMode::halt, "halt"},
};

std::string one_line(std::string_view value) {
  std::string line(value.substr(0, kInfoValueSizeMax));
  for (char& character : line) {
    const auto code = static_cast<unsigned char>(character);
    if (code < 0x20 || code == 0x7f) character = ' ';
  }
  return line;
}

}  // namespace

std::string encryption_line(const CaptureEncryption& encryption) {
  const WipedText key(encryption.key.hexadecimal());
  std::string line;
  line.reserve(kInfoValueSizeMax + encryption.wrapped_key.size());
  return line.append("encryption=")
      .append(encryption.key_id)
      .append(":")
      .append(key.text())
      .append(":")
      .append(encryption.wrapped_key)
      .append("\n");
}

std::string_view reset_word(ResetMode reset) {
  for (const ResetWord& row : kResetWords) {
    if (row.mode == reset) return row.word;
  }
  return kResetWords[0].word;
}

std::optional<ResetMode> reset_of_word(std::string_view word) {
  for (const ResetWord& row : kResetWords) {
    if (row.word == word) return row.mode;
  }
  return std::nullopt;
}

std::string capture_configuration_text(const CaptureConfiguration& configuration,
                                       const std::vector<std::string>& early_modules,
                                       const std::string& pmem_module) {
  std::string text;
  text.reserve(kConfigurationTextSizeMax);  // so that it does not move with the secret in it
  const auto out = std::back_inserter(text);
  fmt::format_to(out, "region_start={:#x}\nregion_size={:#x}\ndump_level={}\nreset={}\n",
                 configuration.region_start, configuration.region_size, configuration.dump_level,
                 reset_word(configuration.reset));
  if (configuration.deadline_s) fmt::format_to(out, "deadline={}\n", *configuration.deadline_s);
  if (configuration.watchdog_s) fmt::format_to(out, "watchdog={}\n", *configuration.watchdog_s);
  if (configuration.secret.is_set()) {
    const WipedText secret(configuration.secret.hexadecimal());
    text.append("secret=").append(secret.text()).append("\n");
    if (const auto boot_id = configuration.info.find("boot_id"); boot_id != configuration.info.end())
      fmt::format_to(out, "boot_id={}\n", one_line(boot_id->second));
    if (configuration.encryption) {
      const WipedText line(encryption_line(*configuration.encryption));
      text.append(line.text());
    }
  }
  for (const std::string& module : early_modules) fmt::format_to(out, "module={}\n", module);
  if (!pmem_module.empty()) fmt::format_to(out, "pmem_module={}\n", pmem_module);
  for (const auto& [name, value] : configuration.hints) fmt::format_to(out, "hint.{}={:#x}\n", name, value);
  for (const auto& [key, value] : configuration.info)
    fmt::format_to(out, "info.{}={}\n", key, one_line(value));
  return text;
}

}  // namespace warmdump
