// A machine's folder tree for boot loader tests: files by their text, and a runner that notes commands.

#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

#include "arm/boot_loader/boot_change.h"
#include "tests/support/temporary_directory.h"

namespace warmdump::test {

class MachineTree {
 public:
  void write(const std::string& path, std::string_view text) {
    const std::filesystem::path full = root_.path().string() + path;
    std::filesystem::create_directories(full.parent_path());
    std::ofstream(full, std::ios::binary) << text;
  }
  void make_folder(const std::string& path) {
    std::filesystem::create_directories(root_.path().string() + path);
  }
  std::string read(const std::string& path) const {
    std::ostringstream text;
    text << std::ifstream(root_.path().string() + path, std::ios::binary).rdbuf();
    return text.str();
  }
  std::string root() const { return root_.path(); }
  const MachineFiles& files() const { return files_; }

  // Every file of the tree with its text and permissions.
  std::map<std::string, std::string> snapshot() const {
    std::map<std::string, std::string> all;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(root_.path())) {
      if (!entry.is_regular_file()) continue;
      const std::string path = entry.path().string().substr(root().size());
      all[path] = std::to_string(static_cast<unsigned>(entry.status().permissions())) + "\n" + read(path);
    }
    return all;
  }

 private:
  TemporaryDirectory root_;
  MachineFiles files_{root_.path()};
};

// Runs shells for real, and notes everything else.
class NotingRunner : public CommandRunner {
 public:
  Outcome<CommandResult> run(const std::vector<std::string>& command, unsigned timeout_s) override {
    if (command[0] == "/bin/sh") return system_command_runner().run(command, timeout_s);
    commands.push_back(command);
    return CommandResult{exit_code, ""};
  }

  std::vector<std::vector<std::string>> commands;
  int exit_code = 0;
};

inline Outcome<BootLoaderChange> change_now(BootLoader& loader, const std::vector<std::string>& words,
                                            const MachineTree& tree, CommandRunner& runner) {
  BootLoaderChange change = TRY(loader.change(words));
  TRY(make_boot_change(loader, change, words, tree.files(), runner));
  return change;
}

}  // namespace warmdump::test
