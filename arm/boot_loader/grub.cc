#include "arm/boot_loader/grub.h"

#include <fmt/format.h>

#include <algorithm>

#include "arm/boot_loader/boot_words.h"
#include "arm/boot_loader/marked_block.h"
#include "arm/boot_loader/systemd_boot.h"
#include "arm/machine/command_line.h"
#include "arm/machine/text_lines.h"

namespace warmdump {
namespace {

constexpr const char* kDropInFolder = "/etc/default/grub.d";
constexpr unsigned kShellTimeout = 20;
constexpr ByteCount kMenuMax = 4 * kMiB;

// Set while the files are read for the admin's words alone.
constexpr std::string_view kLeftOut = "warmdump_left_out";

// Reads the files as grub-mkconfig does, which ends at the first command that fails. What they print
// themselves comes before the first \001.
constexpr const char* kReadScript =
    "set -e; for file; do if [ -e \"$file\" ]; then . \"$file\"; fi; done; "
    "printf '\\001%s\\001%s\\001%s\\001' \"$GRUB_CMDLINE_LINUX\" \"$GRUB_CMDLINE_LINUX_DEFAULT\" "
    "\"$GRUB_ENABLE_BLSCFG\"";

constexpr const char* kMenus[] = {"/boot/grub/grub.cfg", "/boot/grub2/grub.cfg"};

struct Settings {
  std::string every_entry;    // GRUB_CMDLINE_LINUX
  std::string usual_entries;  // GRUB_CMDLINE_LINUX_DEFAULT, which comes behind it
  bool loader_entries = false;
};

std::string assignment(const std::vector<std::string>& words) {
  return fmt::format(
      "[ -n \"${{{}:-}}\" ] || GRUB_CMDLINE_LINUX=\"${{GRUB_CMDLINE_LINUX:+$GRUB_CMDLINE_LINUX }}\"'{}'\n",
      kLeftOut, joined_words(words));
}

std::string drop_in(const std::vector<std::string>& words) {
  return "# Written by `warmdump plan --apply`, removed by `warmdump plan --remove`; do not edit.\n"
         "# Every boot needs these options, those of recovery entries too: without memmap= it overwrites a "
         "dump.\n" +
         assignment(words);
}

class Grub : public BootLoader {
 public:
  Grub(const MachineFiles& files, CommandRunner& runner) : files_(files), runner_(runner) {}

  std::string name() const override { return "GRUB"; }

  Outcome<std::string> admins_command_line() override {
    const Settings settings = TRY(read_settings(true));
    return settings.every_entry + " " + settings.usual_entries;
  }

  Outcome<BootLoaderChange> change(const std::vector<std::string>& words) override {
    for (const std::string& word : words) {
      if (word.find_first_of("'\n") != std::string::npos) {
        return Failure(ErrorCode::invalid,
                       fmt::format("a word with a quote cannot be given to GRUB: {}", word));
      }
    }
    const Settings settings = TRY(read_settings(true));
    BootLoaderChange change;
    if (settings.loader_entries && files_.exists("/usr/sbin/grubby")) return by_grubby(words);
    const auto missing = words_missing(words, settings.every_entry);
    for (FileChange file : {TRY(change_drop_in(missing)), TRY(change_defaults(missing))}) {
      if (file.changes_anything()) change.files.push_back(std::move(file));
    }
    const auto overriding = [](std::string_view word) { return word.starts_with("crashkernel="); };
    const auto usual = command_line_options(settings.usual_entries);
    if (std::any_of(missing.begin(), missing.end(), overriding) &&
        std::any_of(usual.begin(), usual.end(), overriding)) {
      change.notes.push_back(
          "GRUB_CMDLINE_LINUX_DEFAULT has a crashkernel= too, which comes last and wins: remove it there (it "
          "may "
          "come from a file in /etc/default/grub.d)");
    }
    for (const std::string& word : missing) {
      if (std::find(usual.begin(), usual.end(), word) == usual.end()) continue;
      change.notes.push_back(fmt::format(
          "{} is in GRUB_CMDLINE_LINUX_DEFAULT, which recovery entries do not use: remove it there", word));
    }
    if (!change.files.empty()) add_commands(change);
    return change;
  }

  Outcome<void> verify(const std::vector<std::string>& words) override {
    const Settings admins = TRY(read_settings(true));
    const Settings all = TRY(read_settings(false));
    const auto missing = words_missing(words, admins.every_entry);
    const std::string separator = admins.every_entry.empty() || missing.empty() ? "" : " ";
    if (all.every_entry == admins.every_entry + separator + joined_words(missing)) return {};
    return Failure(
        ErrorCode::corrupt,
        fmt::format("read back by a shell, GRUB_CMDLINE_LINUX is \"{}\": something in /etc/default/grub or "
                    "/etc/default/grub.d sets it anew behind ours, or a quote is open there",
                    all.every_entry.substr(0, 500)));
  }

  Outcome<std::vector<BootEntry>> next_entries() override {
    std::vector<BootEntry> entries;
    for (const char* menu : kMenus) {
      const auto text = files_.read(menu, kMenuMax);
      if (!text.has_value()) {
        if (text.error().code != ErrorCode::not_found) return text.error();
        continue;
      }
      for (BootEntry& entry : entries_of_grub_menu(*text)) entries.push_back(std::move(entry));
      if (text->find("\nblscfg") == std::string::npos && text->find("\n  blscfg") == std::string::npos)
        continue;
      for (const std::string& path : loader_entries(files_)) {
        const auto entry = TRY(text_of(files_, path));
        if (entry) entries.push_back({path, options_of_loader_entry(*entry)});
      }
    }
    return entries;
  }

 private:
  Outcome<Settings> read_settings(bool without_ours) {
    std::vector<std::string> command = {
        "/bin/sh", "-c", fmt::format("{}={}; {}", kLeftOut, without_ours ? "1" : "", kReadScript), "sh",
        files_.path(kGrubDefaults)};
    for (const std::string& name : files_.names_in(kDropInFolder)) {
      if (name.ends_with(".cfg")) command.push_back(files_.path(fmt::format("{}/{}", kDropInFolder, name)));
    }
    const CommandResult result =
        TRY(in_context("reading GRUB's settings", runner_.run(command, kShellTimeout)));
    std::vector<std::string> values;
    std::string_view rest = result.output;
    for (std::size_t at = rest.find('\001'); at != std::string_view::npos; at = rest.find('\001')) {
      values.emplace_back(rest.substr(0, at));
      rest.remove_prefix(at + 1);
    }
    if (result.exit_code != 0 || values.size() != 4) {
      return Failure(
          ErrorCode::corrupt,
          fmt::format("{} or a file in {} is no shell file that can be read to its end (exit code {})",
                      kGrubDefaults, kDropInFolder, result.exit_code));
    }
    return Settings{values[1], values[2], values[3] == "true"};
  }

  bool reads_drop_ins() const { return files_.exists(kDropInFolder); }

  Outcome<FileChange> change_drop_in(const std::vector<std::string>& words) {
    FileChange change{kGrubDropIn, TRY(text_of(files_, kGrubDropIn)), std::nullopt};
    if (reads_drop_ins() && !words.empty()) change.after = drop_in(words);
    return change;
  }

  Outcome<FileChange> change_defaults(const std::vector<std::string>& words) {
    FileChange change{kGrubDefaults, TRY(text_of(files_, kGrubDefaults)), std::nullopt};
    change.after = change.before;
    if (!change.before) return change;
    const std::string lines = reads_drop_ins() || words.empty() ? "" : assignment(words);
    change.after = TRY(in_context(kGrubDefaults, with_marked_block(*change.before, lines)));
    return change;
  }

  // Boot loader entries that grub-mkconfig does not make: only grubby knows all places where their options
  // are.
  static Outcome<BootLoaderChange> by_grubby(const std::vector<std::string>& words) {
    BootLoaderChange change;
    change.notes.push_back(
        words.empty()
            ? "the options of this system's entries belong to grubby; run: grubby --update-kernel=ALL "
              "--remove-args='memmap=... crashkernel=...' with the words that `warmdump plan --check` shows"
            : fmt::format(
                  "the options of this system's entries belong to grubby; run: grubby --update-kernel=ALL "
                  "--args='{}'",
                  joined_words(words)));
    return change;
  }

  void add_commands(BootLoaderChange& change) const {
    if (files_.exists("/usr/sbin/update-grub")) {
      change.commands.push_back({"/usr/sbin/update-grub"});
    } else if (files_.exists("/usr/sbin/grub2-mkconfig") && files_.exists(kMenus[1])) {
      change.commands.push_back({"/usr/sbin/grub2-mkconfig", "-o", kMenus[1]});
    } else if (files_.exists("/usr/sbin/grub-mkconfig") && files_.exists(kMenus[0])) {
      change.commands.push_back({"/usr/sbin/grub-mkconfig", "-o", kMenus[0]});
    } else {
      change.notes.push_back(
          "no update-grub or grub-mkconfig is here: make the menu (grub.cfg) anew yourself");
    }
  }

  const MachineFiles& files_;
  CommandRunner& runner_;
};

std::string title_of(std::string_view line) {
  const std::size_t quote = line.find_first_of("'\"");
  if (quote == std::string_view::npos) return std::string(line);
  const std::size_t end = line.find(line[quote], quote + 1);
  return std::string(line.substr(quote + 1, end == std::string_view::npos ? end : end - quote - 1));
}

}  // namespace

bool has_grub(const MachineFiles& files) {
  return files.exists(kGrubDefaults);
}

std::unique_ptr<BootLoader> make_grub(const MachineFiles& files, CommandRunner& runner) {
  return std::make_unique<Grub>(files, runner);
}

std::vector<BootEntry> entries_of_grub_menu(std::string_view text) {
  constexpr std::string_view kSection = "### BEGIN ";
  constexpr std::string_view kScripts = "/grub.d/";
  const bool has_sections = text.find(kSection) != std::string_view::npos;
  bool ours = !has_sections;
  std::string title;
  std::vector<BootEntry> entries;
  while (!text.empty()) {
    std::string_view line = take_line(text);
    line.remove_prefix(std::min(line.find_first_not_of(" \t"), line.size()));
    if (line.starts_with(kSection) && line.find(kScripts) != std::string_view::npos) {
      const std::string_view script = line.substr(line.find(kScripts) + kScripts.size());
      ours = script.substr(0, script.find(' ')).ends_with("_linux");
    }
    const std::string_view keyword = line.substr(0, line.find_first_of(" \t"));
    if (keyword == "menuentry") title = title_of(line);
    if (!ours || (keyword != "linux" && keyword != "linux16" && keyword != "linuxefi")) continue;
    std::string_view rest = line.substr(keyword.size());
    rest.remove_prefix(std::min(rest.find_first_not_of(" \t"), rest.size()));
    rest.remove_prefix(std::min(rest.find_first_of(" \t"), rest.size()));
    rest.remove_prefix(std::min(rest.find_first_not_of(" \t"), rest.size()));
    entries.push_back({title, std::string(rest)});
  }
  return entries;
}

}  // namespace warmdump
