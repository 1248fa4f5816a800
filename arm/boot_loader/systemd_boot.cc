#include "arm/boot_loader/systemd_boot.h"

#include <fmt/format.h>

#include <filesystem>

#include "arm/boot_loader/boot_words.h"
#include "arm/boot_loader/marked_block.h"
#include "arm/boot_loader/options_file.h"
#include "arm/machine/text_lines.h"

namespace warmdump {
namespace {

constexpr const char* kKernelCommandLine = "/etc/kernel/cmdline";
// Where the loader's partition is mounted; the Boot Loader Specification names the first three.
constexpr const char* kMounts[] = {"/boot", "/efi", "/boot/efi"};

// The value of a line "key value", nothing for another key.
std::optional<std::string_view> value_of(std::string_view line, std::string_view key) {
  line.remove_prefix(std::min(line.find_first_not_of(" \t"), line.size()));
  if (!line.starts_with(key)) return std::nullopt;
  line.remove_prefix(key.size());
  if (line.empty() || (line[0] != ' ' && line[0] != '\t')) return std::nullopt;
  line.remove_prefix(std::min(line.find_first_not_of(" \t"), line.size()));
  return line;
}

bool starts_linux(std::string_view text) {
  while (!text.empty()) {
    if (value_of(take_line(text), "linux")) return true;
  }
  return false;
}

bool has_kernel_images(const MachineFiles& files) {
  for (const char* mount : kMounts) {
    for (const std::string& name : files.names_in(std::string(mount) + "/EFI/Linux")) {
      if (name.ends_with(".efi")) return true;
    }
  }
  return false;
}

class SystemdBoot : public BootLoader {
 public:
  explicit SystemdBoot(const MachineFiles& files) : files_(files) {}

  std::string name() const override { return "systemd-boot"; }

  Outcome<std::string> admins_command_line() override {
    if (const auto text = TRY(text_of(files_, kKernelCommandLine))) {
      return in_context(kKernelCommandLine, with_our_words(*text, {}));
    }
    for (const std::string& path : loader_entries(files_)) {
      const auto text = TRY(text_of(files_, path));
      if (!text || !starts_linux(*text)) continue;
      return options_of_loader_entry(TRY(in_context(path, with_marked_block(*text, ""))));
    }
    return std::string();
  }

  Outcome<BootLoaderChange> change(const std::vector<std::string>& words) override {
    BootLoaderChange change;
    if (files_.exists(kKernelCommandLine)) {
      FileChange file = TRY(change_options_file(files_, kKernelCommandLine, words));
      if (file.changes_anything()) change.files.push_back(std::move(file));
    } else if (!words.empty()) {
      change.notes.push_back(
          "there is no /etc/kernel/cmdline: kernel-install gives new entries the options of the running "
          "kernel");
    }
    for (const std::string& path : loader_entries(files_)) {
      FileChange file = TRY(in_context(path, change_entry(path, words)));
      if (file.changes_anything()) change.files.push_back(std::move(file));
    }
    if (has_kernel_images(files_)) {
      change.notes.push_back(
          "there are unified kernel images (EFI/Linux/*.efi), which carry their options inside: make them "
          "anew, "
          "with `kernel-install add VERSION IMAGE` for example");
    }
    return change;
  }

  Outcome<void> verify(const std::vector<std::string>&) override { return {}; }

  Outcome<std::vector<BootEntry>> next_entries() override {
    std::vector<BootEntry> entries;
    if (const auto text = TRY(text_of(files_, kKernelCommandLine))) {
      entries.push_back({kKernelCommandLine, *text});
    }
    for (const std::string& path : loader_entries(files_)) {
      const auto text = TRY(text_of(files_, path));
      if (text && starts_linux(*text)) entries.push_back({path, options_of_loader_entry(*text)});
    }
    return entries;
  }

 private:
  Outcome<FileChange> change_entry(const std::string& path, const std::vector<std::string>& words) {
    FileChange change{path, TRY(text_of(files_, path)), std::nullopt};
    change.after = change.before;
    if (!change.before || !starts_linux(*change.before)) return change;
    const std::string admins = options_of_loader_entry(TRY(with_marked_block(*change.before, "")));
    const auto missing = words_missing(words, admins);
    const std::string line = missing.empty() ? "" : fmt::format("options {}\n", joined_words(missing));
    change.after = TRY(with_marked_block(*change.before, line));
    return change;
  }

  const MachineFiles& files_;
};

}  // namespace

bool has_systemd_boot(const MachineFiles& files) {
  return !loader_entries(files).empty() || files.exists(kKernelCommandLine);
}

std::unique_ptr<BootLoader> make_systemd_boot(const MachineFiles& files) {
  return std::make_unique<SystemdBoot>(files);
}

std::string options_of_loader_entry(std::string_view text) {
  std::string options;
  while (!text.empty()) {
    const auto value = value_of(take_line(text), "options");
    if (!value) continue;
    if (!options.empty()) options += ' ';
    options += *value;
  }
  return options;
}

std::vector<std::string> loader_entries(const MachineFiles& files) {
  std::vector<std::string> paths;
  for (const char* mount : kMounts) {
    const std::string folder = std::string(mount) + "/loader/entries";
    for (const std::string& name : files.names_in(folder)) {
      if (name.ends_with(".conf")) paths.push_back(folder + "/" + name);
    }
  }
  return paths;
}

}  // namespace warmdump
