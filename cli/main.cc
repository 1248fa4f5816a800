// warmdump: everything on the full system, one subcommand each.

#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>

#include "cli/command.h"
#include "cli/journal_stream.h"
#include "common/hosted/interruption.h"

namespace warmdump {

void print_warning(const std::string& text) {
  std::fprintf(stderr, "%swarmdump: warning: %s\n", journal_prefix(JournalPriority::warning), text.c_str());
}

// And the number of the signal: as shells tell of who died of one.
constexpr int kExitBySignal = 128;

ExitCode report_failure(const Failure& failure) {
  std::fprintf(stderr, "%swarmdump: %s\n", journal_prefix(JournalPriority::error), failure.message.c_str());
  if (is_interruption(failure)) return static_cast<ExitCode>(kExitBySignal + interruption_signal());
  switch (failure.code) {
    case ErrorCode::invalid:
      return kExitUsage;
    case ErrorCode::busy:
      return kExitBusy;
    case ErrorCode::unsupported:
      return kExitUnsupported;
    case ErrorCode::timed_out:
      return kExitTemporary;
    default:
      return kExitFailure;
  }
}

namespace {

// What stands where a command should, if anything.
const char* first_word(int argc, char** argv) {
  return argc > 1 && argv[1][0] != '-' ? argv[1] : nullptr;
}

int run(int argc, char** argv) {
  CLI::App app{"Kernel crash dumps kept in RAM across a warm reboot."};
  app.set_version_flag("--version", "warmdump " WARMDUMP_VERSION);
  app.require_subcommand(1);
  ExitCode exit_code = kExitOk;
  for (const auto register_command :
       {register_plan_command, register_arm_command, register_disarm_command, register_recover_command,
        register_release_command, register_outcomes_command, register_show_command, register_status_command,
        register_extract_command, register_upload_command, register_keygen_command, register_decrypt_command,
        register_selftest_command}) {
    register_command(app, exit_code);
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    const char* const word = first_word(argc, argv);
    if (word != nullptr && app.get_subcommands().empty()) {
      std::fprintf(stderr, "warmdump: there is no command \"%s\"; see warmdump --help\n", word);
      return kExitUsage;
    }
    return app.exit(error) == 0 ? kExitOk : kExitUsage;
  }
  return exit_code;
}

}  // namespace
}  // namespace warmdump

int main(int argc, char** argv) {
  try {
    return warmdump::run(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "warmdump: unexpected: %s\n", error.what());
    return warmdump::kExitFailure;
  }
}
