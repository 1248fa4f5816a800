// The subcommands of `warmdump`. To add one: a file <name>_command.cc with its register function, a line
// below, a line in the table of main.cc, a man page in docs/man.
//
// A register function adds its subcommand with options to `app`; its callback does the work through the
// libraries and leaves the exit code in `exit_code`. It may throw only what CLI11 throws.

#pragma once

#include "cli/exit_code.h"
#include "common/hosted/failure.h"

namespace CLI {
class App;
}

namespace warmdump {

void register_arm_command(CLI::App& app, ExitCode& exit_code);
void register_decrypt_command(CLI::App& app, ExitCode& exit_code);
void register_disarm_command(CLI::App& app, ExitCode& exit_code);
void register_extract_command(CLI::App& app, ExitCode& exit_code);
void register_keygen_command(CLI::App& app, ExitCode& exit_code);
void register_outcomes_command(CLI::App& app, ExitCode& exit_code);
void register_plan_command(CLI::App& app, ExitCode& exit_code);
void register_recover_command(CLI::App& app, ExitCode& exit_code);
void register_release_command(CLI::App& app, ExitCode& exit_code);
void register_selftest_command(CLI::App& app, ExitCode& exit_code);
void register_show_command(CLI::App& app, ExitCode& exit_code);
void register_status_command(CLI::App& app, ExitCode& exit_code);
void register_upload_command(CLI::App& app, ExitCode& exit_code);

// Prints "warmdump: <message>" to standard error and says which exit code fits the failure.
ExitCode report_failure(const Failure& failure);

// "warmdump: warning: ..." on standard error.
void print_warning(const std::string& text);

}  // namespace warmdump
