// The boot loader's side of a plan: the words of the next boot's command line, read and changed. Nothing is
// written here: a change is a list of files with their text before and after.
//
// To add a loader: an implementation of BootLoader in a file of its own, a line in find_boot_loader(), its
// files in tests/arm/boot_loader.

#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "arm/boot_loader/command_runner.h"
#include "arm/boot_loader/file_change.h"
#include "arm/machine/machine_files.h"
#include "common/hosted/failure.h"

namespace warmdump {

// One entry of the boot menu, or a file that entries are made of.
struct BootEntry {
  std::string name;
  std::string command_line;  // without the kernel's path
};

struct BootLoaderChange {
  std::vector<FileChange> files;                   // only those that change
  std::vector<std::vector<std::string>> commands;  // to run afterwards, in order
  std::vector<std::string> notes;                  // what the user must know or do
};

class BootLoader {
 public:
  virtual ~BootLoader() = default;

  virtual std::string name() const = 0;

  // The options of the usual entry as the admin has them, without the words warmdump added.
  virtual Outcome<std::string> admins_command_line() = 0;

  // Puts `words` in place of ours in every entry that lacks them; no words: takes ours out.
  virtual Outcome<BootLoaderChange> change(const std::vector<std::string>& words) = 0;

  // Once the files are written and before the commands run: whether the loader will read from them what was
  // meant.
  virtual Outcome<void> verify(const std::vector<std::string>& words) = 0;

  // What the next boot will give, as far as it is written down.
  virtual Outcome<std::vector<BootEntry>> next_entries() = 0;
};

// `choice`: "grub", "systemd-boot", "file:PATH", or empty for the one that is there. ErrorCode::unsupported
// when there is none, or two and nothing tells which boots; `files` and `runner` must outlive the result.
Outcome<std::unique_ptr<BootLoader>> find_boot_loader(const MachineFiles& files, CommandRunner& runner,
                                                      std::string_view choice);

}  // namespace warmdump
