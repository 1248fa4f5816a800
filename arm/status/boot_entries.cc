#include "arm/status/boot_entries.h"

#include <algorithm>
#include <array>

#include "arm/machine/command_line.h"

namespace warmdump {
namespace {

constexpr std::array kGrubFiles = {"/boot/grub/grub.cfg", "/boot/grub2/grub.cfg"};
constexpr std::array kEntryFolders = {"/boot/loader/entries", "/boot/efi/loader/entries",
                                      "/efi/loader/entries"};
constexpr std::array<std::string_view, 4> kLinuxWords = {"linux", "linux16", "linuxefi", "options"};

// A path, as in the `linux` line of a Boot Loader Specification entry, whose options stand elsewhere.
bool is_path_alone(std::string_view arguments) {
  return arguments.find(' ') == std::string_view::npos && arguments.find('=') == std::string_view::npos;
}

// Quotes and backslashes are the boot loader's, not the kernel's.
std::string without_quoting(std::string_view text) {
  std::string plain;
  std::copy_if(text.begin(), text.end(), std::back_inserter(plain),
               [](char c) { return c != '\'' && c != '"' && c != '\\'; });
  return plain;
}

bool has_region(std::string_view options, const AddressRange& region) {
  const auto regions = regions_of_command_line(without_quoting(options));
  return regions.has_value() && std::find(regions->begin(), regions->end(), region) != regions->end();
}

}  // namespace

BootEntries boot_entries_in(std::string_view text, const std::string& file, const AddressRange& region) {
  BootEntries entries;
  for (unsigned number = 1; !text.empty(); ++number) {
    std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    line.remove_prefix(std::min(line.find_first_not_of(" \t"), line.size()));
    const std::string_view word = line.substr(0, line.find_first_of(" \t"));
    if (std::find(kLinuxWords.begin(), kLinuxWords.end(), word) == kLinuxWords.end()) continue;
    std::string_view arguments = line.substr(word.size());
    arguments.remove_prefix(std::min(arguments.find_first_not_of(" \t"), arguments.size()));
    if (is_path_alone(arguments) || arguments.find('$') != std::string_view::npos) continue;
    ++entries.count;
    if (!has_region(arguments, region)) entries.without_region.push_back({file, number});
  }
  return entries;
}

BootEntries find_boot_entries(const MachineFiles& files, const AddressRange& region) {
  std::vector<std::string> paths(kGrubFiles.begin(), kGrubFiles.end());
  for (const std::string folder : kEntryFolders) {
    for (const std::string& name : files.names_in(folder)) {
      if (name.ends_with(".conf")) paths.push_back(folder + "/" + name);
    }
  }
  BootEntries all;
  for (const std::string& path : paths) {
    const auto text = files.read(path);
    if (!text.has_value()) continue;
    const BootEntries entries = boot_entries_in(*text, path, region);
    all.count += entries.count;
    all.without_region.insert(all.without_region.end(), entries.without_region.begin(),
                              entries.without_region.end());
  }
  return all;
}

}  // namespace warmdump
