// The options of `warmdump recover`: the command line over the settings, [recover] in warmdump.toml.

#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "recover/outcome/crash_loop.h"
#include "recover/recover_machine.h"
#include "recover/report/dump_directory_options.h"
#include "upload/destination/destination.h"

namespace CLI {
class App;
}

namespace warmdump {

struct RecoverOptions {
  RecoverRequest request;
  DumpDirectoryOptions directory;
  std::string direct;  // address to which the dump is sent instead of being saved; empty: saved
  DestinationOptions direct_options;
  std::string device;  // what this machine is called there
  std::string user;    // whom dumps are read as
  CrashLoopLimits crash_loop;
  bool json = false;
};

// As they are written on the command line; empty: not there.
struct RecoverArguments {
  std::string region;
  std::string spool;
  std::string unauthenticated;
  std::string direct;
  std::string ca_file;
  std::string credentials_file;
  std::string format;
  std::string compression;
  std::string layout;
  std::optional<std::uint64_t> max_dumps;
  std::string max_bytes;
  std::string min_free;
  bool no_return = false;
  bool redact = false;
  bool no_redact = false;
  bool no_report = false;
  bool json = false;
};

// To add one: a member of RecoverArguments, its line here and in recover_options(), a paragraph in
// docs/man/warmdump-recover.8. `arguments` must live as long as `command`.
void add_recover_arguments(CLI::App& command, RecoverArguments& arguments);

// What is wrong in the settings is told, and costs the setting, never the dump; what is wrong on the command
// line is ErrorCode::invalid.
Outcome<RecoverOptions> recover_options(const RecoverArguments& arguments);

}  // namespace warmdump
