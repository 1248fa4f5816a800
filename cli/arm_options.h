// The options of `warmdump arm`: the command line over the settings, [arm] in warmdump.toml.

#pragma once

#include <optional>
#include <string>
#include <vector>

#include "arm/load/arm.h"
#include "common/hosted/failure.h"
#include "common/hosted/settings.h"

namespace CLI {
class App;
}

namespace warmdump {

// What the command line says; what it leaves open is filled in from the settings.
struct ArmOptions {
  ArmRequest request;
  std::optional<unsigned> dump_level;
  std::optional<std::string> final_action;
  std::string region;
  std::string output;
  bool trim = false;
  bool reload = false;
  double debounce_s = 0;
  bool kexec_load_disabled = false;
  bool clear_memory_overwrite = false;
  bool after_crash_loop = false;
  std::vector<std::string> arguments;  // all of them but those of a reload, for the record
};

// To add one: a member of ArmOptions, its line here, a paragraph in docs/man/warmdump-arm.8; with a setting
// of that name, its line in arm_request_of(). `options` must live as long as `command`.
void add_arm_options(CLI::App& command, ArmOptions& options);

// As they were given, but for what is of this run only.
std::vector<std::string> arm_arguments_of(const CLI::App& command);

// The command line goes over the settings. Errors: invalid, with the option or setting that is wrong.
Outcome<ArmRequest> arm_request_of(const ArmOptions& options, const Settings& settings);

}  // namespace warmdump
