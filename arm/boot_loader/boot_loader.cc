#include "arm/boot_loader/boot_loader.h"

#include <fmt/format.h>

#include "arm/boot_loader/grub.h"
#include "arm/boot_loader/options_file.h"
#include "arm/boot_loader/systemd_boot.h"

namespace warmdump {
namespace {

constexpr std::string_view kFilePrefix = "file:";

// Boot Loader Interface: the loader that started this system leaves its name, in UTF-16.
bool started_by_systemd_boot(const MachineFiles& files) {
  const auto info =
      files.read("/sys/firmware/efi/efivars/LoaderInfo-4a67b082-0a4c-41cf-b6c7-440b29bb8c4f", 4096);
  if (!info.has_value()) return false;
  std::string letters;
  for (const char character : *info) {
    if (character != '\0') letters += character;
  }
  return letters.find("systemd-boot") != std::string::npos;
}

}  // namespace

Outcome<std::unique_ptr<BootLoader>> find_boot_loader(const MachineFiles& files, CommandRunner& runner,
                                                      std::string_view choice) {
  if (choice.starts_with(kFilePrefix)) {
    const std::string path(choice.substr(kFilePrefix.size()));
    if (!path.starts_with('/')) {
      return Failure(ErrorCode::invalid,
                     "--boot-loader file:PATH wants a path from the root, such as file:/tmp/options");
    }
    return make_options_file(files, path);
  }
  if (choice == "grub") return make_grub(files, runner);
  if (choice == "systemd-boot") return make_systemd_boot(files);
  if (!choice.empty()) {
    return Failure(ErrorCode::invalid,
                   fmt::format("--boot-loader {} is not known: grub, systemd-boot or file:PATH", choice));
  }
  const bool grub = has_grub(files);
  const bool systemd_boot = has_systemd_boot(files);
  if (grub && systemd_boot && !started_by_systemd_boot(files)) {
    return Failure(ErrorCode::unsupported,
                   "there are files of GRUB and of systemd-boot: say which one boots with --boot-loader");
  }
  if (systemd_boot) return make_systemd_boot(files);
  if (grub) return make_grub(files, runner);
  return Failure(
      ErrorCode::unsupported,
      "neither GRUB (/etc/default/grub) nor systemd-boot (loader/entries) is here: put the options "
      "into your boot loader's configuration yourself, or write them with --boot-loader file:PATH");
}

}  // namespace warmdump
