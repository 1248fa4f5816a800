#include "cli/plan_boot_loader.h"

#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <iostream>
#include <nlohmann/json.hpp>

#include "arm/boot_loader/boot_change.h"
#include "arm/boot_loader/boot_words.h"
#include "cli/command.h"

namespace warmdump {
namespace {

bool agreed(const BootLoaderOptions& options) {
  if (options.yes || ::isatty(STDIN_FILENO) == 0) return true;
  fmt::print("Write this? [y/N] ");
  std::fflush(stdout);
  std::string answer;
  std::getline(std::cin, answer);
  return answer == "y" || answer == "Y" || answer == "yes";
}

// `words_of(admin's command line)` gives the words to put in; none to take ours out.
template <class WordsOf>
Outcome<ExitCode> change_boot_loader(const BootLoaderOptions& options, WordsOf words_of) {
  const MachineFiles files;
  CommandRunner& runner = system_command_runner();
  const auto loader = TRY(find_boot_loader(files, runner, options.boot_loader));
  const std::string admins = TRY(loader->admins_command_line());
  const std::vector<std::string> words = words_of(admins);
  const BootLoaderChange change = TRY(loader->change(words));
  for (const FileChange& file : change.files) fmt::print("{}", unified_diff(file));
  for (const std::string& note : change.notes) fmt::print("note: {}\n", note);
  const std::string all = admins + " " + joined_words(words_missing(words, admins));
  if (const std::string note = too_many_memmap_items(all); !note.empty()) fmt::print("note: {}\n", note);
  if (change.files.empty()) {
    fmt::print("{}: nothing to write\n", loader->name());
    // Notes without a file are what the user has to do in our place.
    return change.notes.empty() || words.empty() ? kExitOk : kExitUnsupported;
  }
  for (const auto& command : change.commands) fmt::print("then: {}\n", joined_words(command));
  if (options.dry_run) return kExitOk;
  if (!agreed(options)) {
    fmt::print("Nothing was written.\n");
    return kExitFailure;
  }
  TRY(make_boot_change(*loader, change, words, files, runner));
  fmt::print("Written. It counts from the next boot on.\n");
  return kExitOk;
}

ExitCode finish(const Outcome<ExitCode>& result) {
  return result.has_value() ? *result : report_failure(result.error());
}

struct CheckedLine {
  std::string name;
  std::string command_line;
  std::vector<std::string> drift;
};

void print_check(const std::vector<CheckedLine>& lines, const std::vector<std::string>& words) {
  fmt::print("Wanted: {}\n", joined_words(words));
  for (const CheckedLine& line : lines) {
    fmt::print("{}: {}\n", line.name, line.drift.empty() ? "as wanted" : "not as wanted");
    for (const std::string& sentence : line.drift) fmt::print("  {}\n", sentence);
  }
}

void print_check_json(const std::vector<CheckedLine>& lines, const std::vector<std::string>& words,
                      const std::string& loader, bool right) {
  nlohmann::ordered_json entries = nlohmann::ordered_json::array();
  for (const CheckedLine& line : lines) {
    entries.push_back({{"name", line.name}, {"command_line", line.command_line}, {"drift", line.drift}});
  }
  const nlohmann::ordered_json document = {
      {"as_wanted", right}, {"boot_loader", loader}, {"wanted", words}, {"command_lines", entries}};
  fmt::print("{}\n", document.dump(2));
}

Outcome<ExitCode> check(const BootLoaderOptions& options, const WantedOptions& wanted,
                        const std::string& running_command_line, bool json) {
  const MachineFiles files;
  const auto loader = TRY(find_boot_loader(files, system_command_runner(), options.boot_loader));
  std::vector<CheckedLine> lines = {
      {"running", running_command_line, drift_of(wanted, running_command_line)}};
  const auto entries = TRY(loader->next_entries());
  for (const BootEntry& entry : entries) {
    lines.push_back({"next boot, " + entry.name, entry.command_line, drift_of(wanted, entry.command_line)});
  }
  if (entries.empty()) {
    lines.push_back(
        {"next boot", "", {fmt::format("{} has no entry yet that could be read", loader->name())}});
  }
  bool right = true;
  for (const CheckedLine& line : lines) right = right && line.drift.empty();
  const auto words = words_for(wanted, TRY(loader->admins_command_line()));
  json ? print_check_json(lines, words, loader->name(), right) : print_check(lines, words);
  return right ? kExitOk : kExitFailure;
}

}  // namespace

void add_boot_loader_options(CLI::App& command, BootLoaderOptions& options) {
  auto* apply =
      command.add_flag("--apply", options.apply, "Write the options into the boot loader's configuration");
  auto* remove = command.add_flag("--remove", options.remove, "Take them out again")->excludes(apply);
  command.add_flag("--check", options.check, "Say whether running and next boot have the planned options")
      ->excludes(apply)
      ->excludes(remove);
  command
      .add_option("--boot-loader", options.boot_loader,
                  "grub, systemd-boot, or file:PATH; default: the one that is there")
      ->type_name("LOADER");
  command.add_flag("--dry-run", options.dry_run, "With --apply and --remove: print the changes only");
  command.add_flag("--yes", options.yes, "Do not ask");
}

ExitCode apply_to_boot_loader(const BootLoaderOptions& options, const WantedOptions& wanted) {
  return finish(
      change_boot_loader(options, [&](const std::string& line) { return words_for(wanted, line); }));
}

ExitCode remove_from_boot_loader(const BootLoaderOptions& options) {
  return finish(change_boot_loader(options, [](const std::string&) { return std::vector<std::string>(); }));
}

ExitCode check_boot_loader(const BootLoaderOptions& options, const WantedOptions& wanted,
                           const std::string& running_command_line, bool json) {
  return finish(check(options, wanted, running_command_line, json));
}

}  // namespace warmdump
