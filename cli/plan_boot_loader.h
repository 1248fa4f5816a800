// warmdump plan --apply, --remove and --check: the plan in the boot loader's configuration.

#pragma once

#include <string>

#include "arm/boot_loader/boot_drift.h"
#include "cli/exit_code.h"

namespace CLI {
class App;
}

namespace warmdump {

struct BootLoaderOptions {
  bool apply = false;
  bool remove = false;
  bool check = false;
  bool dry_run = false;
  bool yes = false;
  std::string boot_loader;  // see find_boot_loader()
};

void add_boot_loader_options(CLI::App& command, BootLoaderOptions& options);

// Prints the diff, asks if a person is there, writes and runs what is needed.
ExitCode apply_to_boot_loader(const BootLoaderOptions& options, const WantedOptions& wanted);
ExitCode remove_from_boot_loader(const BootLoaderOptions& options);

// Exit code 0 when the running command line and every entry of the next boot have what is wanted, else 1.
ExitCode check_boot_loader(const BootLoaderOptions& options, const WantedOptions& wanted,
                           const std::string& running_command_line, bool json);

}  // namespace warmdump
