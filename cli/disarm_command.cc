// warmdump disarm: unloads the crash kernel.

#include <fmt/format.h>

#include <CLI/CLI.hpp>

#include "arm/load/arming.h"
#include "cli/command.h"

namespace warmdump {

void register_disarm_command(CLI::App& app, ExitCode& exit_code) {
  CLI::App* command = app.add_subcommand("disarm", "Unload the crash kernel");
  command->callback([&exit_code] {
    const auto done = disarm_machine(system_crash_kernel_loader(), ArmPlaces());
    if (done.has_value()) {
      fmt::print("Not armed: the crash kernel is unloaded.\n");
    } else {
      exit_code = report_failure(done.error());
    }
  });
}

}  // namespace warmdump
