// warmdump arm: builds the crash image and loads the crash kernel.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <memory>

#include "arm/load/arming.h"
#include "arm/load/crash_loop_hold.h"
#include "arm/load/rearming.h"
#include "arm/machine/memory_fingerprint.h"
#include "arm/machine/memory_overwrite.h"
#include "cli/arm_options.h"
#include "cli/command.h"
#include "common/hosted/byte_count_text.h"
#include "common/hosted/settings.h"
#include "common/hosted/whole_file.h"

namespace warmdump {
namespace {

void print_setup(const CrashSetup& setup) {
  fmt::print("region        {} at {}\n", readable_byte_count(setup.region.size),
             address_range_text(setup.region));
  fmt::print("crash kernel  {} ({})\n", setup.kernel_path, setup.kernel.version);
  fmt::print("crash image   {} ({}, {} unpacked), /init = {}\n",
             readable_byte_count(setup.image.bytes.size()), setup.image.compression,
             readable_byte_count(setup.image.unpacked_size), setup.capture_path);
  const char* label = "holds";
  for (const ImagePart& part : setup.image.parts) {
    fmt::print("{:14}{} {}\n", label, part.path, readable_byte_count(part.size));
    label = "";
  }
  if (setup.image.base_was_cached) fmt::print("{:14}its unchanging part from the cache\n", "");
  fmt::print("command line  {}\n", setup.command_line);
  if (setup.encryption) fmt::print("encrypted     for fleet key {}\n", setup.encryption->key_id);
}

void print_warnings(const CrashSetup& setup) {
  for (const std::string& warning : setup.warnings) fmt::print(stderr, "warmdump: warning: {}\n", warning);
}

void print_trim(const std::optional<TrimPlan>& trim) {
  if (!trim) return;
  if (trim->gives_back()) {
    fmt::print("trimmed       crashkernel= from {} to {}: {}\n", readable_byte_count(trim->now),
               readable_byte_count(trim->target), trim->reason);
  } else {
    fmt::print("trimmed       nothing: crashkernel= is {}; {}\n", readable_byte_count(trim->now),
               trim->reason);
  }
}

// The image alone, for people and other programs: without the secret of this boot.
Outcome<void> write_image(const ArmOptions& options, const ArmRequest& request) {
  if (options.output.empty()) return Failure(ErrorCode::invalid, "--image-only needs -o FILE");
  const CrashSetup setup = TRY(prepare_crash_setup(request, MachineFiles()));
  TRY(write_whole_file(options.output, setup.image.bytes));
  print_setup(setup);
  print_warnings(setup);
  fmt::print("The image is in {}; nothing is loaded.\n", options.output);
  return {};
}

Outcome<void> disable_loading() {
  TRY(disable_kexec_load());
  fmt::print("Until the next boot no kernel can be loaded or unloaded (kernel.kexec_load_disabled).\n");
  if (!kernel_updates_elfcorehdr(MachineFiles())) {
    fmt::print(
        stderr,
        "warmdump: warning: this kernel does not tell a loaded crash kernel of memory and processors that "
        "are added from now on, and it cannot be loaded again: dumps will lack that memory\n");
  }
  return {};
}

Outcome<void> keep_memory_over_reset() {
  if (TRY(in_context("armed, but the next reset will clear the dump",
                     clear_memory_overwrite(MachineFiles())))) {
    fmt::print("The firmware will not clear RAM at the next reset: secrets in it survive a crash too.\n");
  }
  return {};
}

Outcome<void> arm(const ArmOptions& options, const Settings& settings, const ArmRequest& request) {
  const ArmResult result =
      TRY(arm_machine(request, options.arguments, MachineFiles(), system_crash_kernel_loader(), ArmPlaces()));
  print_setup(result.setup);
  print_trim(result.trim);
  print_warnings(result.setup);
  fmt::print("Armed: the crash kernel is loaded into {} of reserved memory.\n",
             readable_byte_count(result.reserved_size));
  if (options.clear_memory_overwrite || settings.arm.clear_memory_overwrite.value_or(false)) {
    TRY(keep_memory_over_reset());
  }
  if (!options.kexec_load_disabled && !settings.arm.kexec_load_disabled.value_or(false)) return {};
  return disable_loading();
}

Outcome<void> reload_once(const Settings& settings) {
  const MachineFiles files;
  const ArmPlaces places;
  const auto record = TRY(armed_record(files, places));
  if (!record) {
    fmt::print("Not armed: there is nothing to load again.\n");
    return {};
  }
  ArmOptions armed_by;
  CLI::App command;
  add_arm_options(command, armed_by);
  try {
    command.parse(std::vector<std::string>(record->arguments.rbegin(), record->arguments.rend()));
  } catch (const CLI::ParseError& error) {
    return Failure(ErrorCode::corrupt,
                   fmt::format("the record of this boot has arguments that arm does not know ({}); run "
                               "`warmdump arm` with its options",
                               error.what()));
  }
  const ArmRequest request = TRY(arm_request_of(armed_by, settings));
  const ArmResult result = TRY(reload_machine(request, *record, files, system_crash_kernel_loader(), places));
  print_warnings(result.setup);
  fmt::print("{}\n", result.was_current ? "Armed: what is loaded is up to date."
                                        : "Armed: the crash kernel is loaded again.");
  return {};
}

Outcome<void> reload(const ArmOptions& options, const Settings& settings) {
  if (options.debounce_s == 0) return reload_once(settings);
  const auto quiet = std::chrono::milliseconds(static_cast<long>(options.debounce_s * 1000));
  const Rearming rearming =
      TRY(rearm_when_quiet(ArmPlaces().run, quiet, [&settings] { return reload_once(settings); }));
  if (rearming.left_to_another) fmt::print("Another reload is waiting, and will see to it.\n");
  return {};
}

// True when a crash loop stands, which is said. A record that cannot be read holds nobody up.
bool is_held_by_crash_loop(bool end_it) {
  const std::string boot_id = MachineFiles().line_or_empty("/proc/sys/kernel/random/boot_id");
  const auto loop = standing_crash_loop(kCrashLoopPath, boot_id, running_seconds(), end_it);
  if (!loop.has_value()) fmt::print(stderr, "warmdump: warning: {}\n", loop.error().message);
  if (!loop.has_value() || !*loop) return false;
  fmt::print(stderr,
             "warmdump: not armed: CRASH LOOP, {}. Armed again when a boot has lasted {} minutes, or by "
             "`warmdump arm --after-crash-loop`. Its first dump: {}\n",
             crash_loop_words(**loop), (*loop)->window_s / 60,
             (*loop)->first_directory.empty() ? "none" : (*loop)->first_directory);
  return true;
}

Outcome<ExitCode> run_arm(const ArmOptions& options) {
  const Settings settings = TRY(read_settings());
  if (options.reload) {
    TRY(reload(options, settings));
    return kExitOk;
  }
  const ArmRequest request = TRY(arm_request_of(options, settings));
  if (request.image_only) {
    TRY(write_image(options, request));
    return kExitOk;
  }
  if (is_held_by_crash_loop(options.after_crash_loop)) return kExitTemporary;
  TRY(arm(options, settings, request));
  return kExitOk;
}

}  // namespace

void register_arm_command(CLI::App& app, ExitCode& exit_code) {
  const auto options = std::make_shared<ArmOptions>();
  CLI::App* command = app.add_subcommand("arm", "Build the crash image and load the crash kernel");
  add_arm_options(*command, *options);
  command->callback([options, command, &exit_code] {
    options->arguments = arm_arguments_of(*command);
    const auto done = run_arm(*options);
    exit_code = done.has_value() ? *done : report_failure(done.error());
  });
}

}  // namespace warmdump
